// Damages a trace file by means of the HDF5 library. The result is a valid HDF5 file.
#pragma once

#include <string>

#include "base/random.hpp"

namespace headroom::fuzz {

/// Makes one to three changes to a valid trace file. A change sets values of a column to extreme or
/// similar values, resizes or removes a table, replaces a table by a link, by another type, layout,
/// filter or size, or by a virtual dataset, or removes or replaces an attribute. New links lead to
/// `other`.
void damage_trace(const std::string& path, const std::string& other, Random& random);

/// Makes one to three small changes to values, which readers will probably accept.
void nudge_trace(const std::string& path, Random& random);

} // namespace headroom::fuzz
