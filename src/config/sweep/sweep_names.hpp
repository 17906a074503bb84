// The names of a sweep's cells (its runs). A name is made of the cell's values, not of the cell's
// number, so that finished cells keep their names when values are added to the sweep.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::config {

/// Returns the text as a part of a file name: letters, digits, '.', '_' and '+' stay, and each run
/// of other characters becomes one '-'. Long texts are cut and get a hash of the whole text. The
/// result is never empty.
[[nodiscard]] std::string file_name_part(std::string_view text);

/// Returns, for each dotted key, its shortest ending that no other key shares: `interval` for
/// `controller.interval`.
[[nodiscard]] std::vector<std::string> short_keys(std::span<const std::string> keys);

/// Returns the part of a cell's name that stands for a setting. `value` is TOML text. If it is a
/// string that begins with a letter, the result is made of the value alone; otherwise it is made of
/// key and value, as in `interval8`.
[[nodiscard]] std::string value_name_part(std::string_view short_key, std::string_view value);

/// Returns the name of each cell: its name parts, joined by '-'. Names that would be equal or too
/// long get a hash of the cell's exact values.
[[nodiscard]] std::vector<std::string> cell_names(
    std::span<const std::vector<std::string>> name_parts,
    std::span<const std::vector<std::string>> exact_values
);

} // namespace headroom::config
