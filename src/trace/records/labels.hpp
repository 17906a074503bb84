// Returns the names of ids and codes of a trace, and attributes of its run. An id or code without a
// name, as a damaged trace can have, is returned as its number.
#pragma once

#include <cstdint>
#include <string>

#include "trace/records/records.hpp"

namespace headroom::trace {

/// Returns the name of a device, such as "laptop", or "device 3".
[[nodiscard]] std::string device_label(const RunHeader& header, std::int32_t device);
/// Returns the names of both devices: "laptop → phone".
[[nodiscard]] std::string link_label(const RunHeader& header, std::int32_t from, std::int32_t to);
/// Returns the name of a block, such as "L3.g5", or "block 17".
[[nodiscard]] std::string block_label(const RunHeader& header, std::int32_t block);
/// Returns the name of a code. `column` is "table.column".
[[nodiscard]] std::string code_label(
    const RunHeader& header, const std::string& column, std::int32_t code
);

/// Returns the attribute of the run, or `otherwise` if it is missing, as in older traces.
[[nodiscard]] std::string attribute_of(
    const RunHeader& header, const std::string& name, const std::string& otherwise = ""
);
/// Returns whether several sequences could be in flight at once.
[[nodiscard]] bool could_overlap(const RunHeader& header);

} // namespace headroom::trace
