// Reads and writes attributes of files and datasets. An attribute is a text, an integer or a list
// of texts.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "trace/hdf5/library/handle.hpp"

namespace headroom::trace::h5 {

/// Writes an attribute. `object` is the id of a file (its root group) or of a dataset. Texts are
/// UTF-8 and must not end in NUL, because reading strips NULs at the end.
void write_attribute(hid_t object, const std::string& name, const std::string& text);
void write_attribute(hid_t object, const std::string& name, std::int64_t number);
void write_attribute(hid_t object, const std::string& name, const std::vector<std::string>& texts);

struct Attributes {
    std::map<std::string, std::string> texts;
    std::map<std::string, std::int64_t> numbers;
    std::map<std::string, std::vector<std::string>> lists;
};

/// Returns the attributes of these three kinds. Ignores others, and those of more than 64 KiB.
[[nodiscard]] Attributes read_attributes(hid_t object);

} // namespace headroom::trace::h5
