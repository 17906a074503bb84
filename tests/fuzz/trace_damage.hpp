// Damage to a trace file through the HDF5 library: a well-formed file with other contents.
#pragma once

#include <string>

#include "base/random.hpp"

namespace headroom::fuzz {

/// Opens the file, which must be sound, for writing and does one to three of: a column's values
/// made extreme, or near to what they were; a table resized, removed, replaced by a link, by
/// another type, layout or filter, by a view of itself or of another file, by one that claims to be
/// huge; an attribute removed or replaced. `other` is a file that links lead to.
void damage_trace(const std::string& path, const std::string& other, Random& random);

/// Only the first of these, with values that are likely to be accepted.
void nudge_trace(const std::string& path, Random& random);

} // namespace headroom::fuzz
