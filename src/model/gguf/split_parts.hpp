// A model can be split into several GGUF files, NAME-00001-of-0000N.gguf and so on. The first part
// has the metadata; each part has a table of its own tensors.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "model/gguf/gguf_parse.hpp"
#include "model/gguf/open_file.hpp"

namespace headroom::model {

/// A GGUF file, and its parsed start. `parsed` has views into `start`.
struct GgufPart {
    OpenFile file;
    std::vector<std::byte> start;
    ParsedGguf parsed;
};

/// Opens and parses one file; errors are those of GgufFile.
[[nodiscard]] GgufPart open_part(const std::filesystem::path& path);

/// Opens the other parts if `first` is the first part of a split model. Appends their bytes to
/// first.file and their tensors to first.parsed.tensors, with offsets from the start of the first
/// part. Throws InputError if `first` is another part than the first, if a part is missing, if
/// parts do not belong together, or if two parts have a tensor of the same name.
void add_other_parts(GgufPart& first);

} // namespace headroom::model
