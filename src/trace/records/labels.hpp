// Finds the names of a trace's ids and codes, and attributes of its run. A damaged trace can lack
// the name of an id or code. Then the returned text contains the number instead.
#pragma once

#include <cstdint>
#include <string>

#include "trace/records/records.hpp"

namespace headroom::trace {

/// Returns the name of a device, such as "laptop"; "device 3" if the name is missing.
[[nodiscard]] std::string device_label(const RunHeader& header, std::int32_t device);
/// Returns the names of both devices: "laptop → phone".
[[nodiscard]] std::string link_label(const RunHeader& header, std::int32_t from, std::int32_t to);
/// Returns the name of a block, such as "L3.g5"; "block 17" if the name is missing.
[[nodiscard]] std::string block_label(const RunHeader& header, std::int32_t block);
/// Returns the name of a code. `column` is "table.column", such as "blocks.kind".
[[nodiscard]] std::string code_label(
    const RunHeader& header, const std::string& column, std::int32_t code
);

/// Returns a text attribute of the run; `otherwise` if the header lacks it, as in older traces.
[[nodiscard]] std::string attribute_of(
    const RunHeader& header, const std::string& name, const std::string& otherwise = ""
);
/// Returns whether the run's settings allowed several sequences to be in flight at once.
[[nodiscard]] bool could_overlap(const RunHeader& header);

} // namespace headroom::trace
