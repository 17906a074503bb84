// Ids and codes of a trace as words. Damaged or odd traces have ids that nothing stands behind:
// then the number is shown.
#pragma once

#include <cstdint>
#include <string>

#include "trace/records/records.hpp"

namespace headroom::trace {

/// "laptop", or "device 3" if it has no name.
[[nodiscard]] std::string device_label(const RunHeader& header, std::int32_t device);
/// "laptop → phone".
[[nodiscard]] std::string link_label(const RunHeader& header, std::int32_t from, std::int32_t to);
/// "L3.g5", or "block 17".
[[nodiscard]] std::string block_label(const RunHeader& header, std::int32_t block);
/// The word behind the code of a "table.column", or the number.
[[nodiscard]] std::string code_label(
    const RunHeader& header, const std::string& column, std::int32_t code
);

} // namespace headroom::trace
