// Puts explanations of decisions into words, for users. The words may change, so programs use the
// values of core/explanation.hpp instead.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "scheduler/core/explanation.hpp"
#include "scheduler/core/fleet.hpp"

namespace headroom::scheduler {

/// The names of devices, indexed by DeviceId. A device beyond the end of the vector is named by its
/// id, as in "device 3".
using DeviceNames = std::vector<std::string>;

[[nodiscard]] DeviceNames device_names(const Fleet& fleet);

/// The largest number of shortages (what devices lack) that a text for a terminal lists.
constexpr std::size_t kShortagesShown = 8;

/// Returns one sentence without a full stop, such as "kept: found nothing faster than 3.00 ms per
/// token". It lists the first `max_shortages` shortages and then says only how many more there are.
/// The text is empty if `why` has no outcome, cause or notes.
[[nodiscard]] std::string explanation_text(
    const Explanation& why,
    const DeviceNames& names = {},
    std::size_t max_shortages = static_cast<std::size_t>(-1)
);

/// Returns the same sentence without the beginning "kept: ".
[[nodiscard]] std::string explanation_clause(
    const Explanation& why,
    const DeviceNames& names = {},
    std::size_t max_shortages = static_cast<std::size_t>(-1)
);

/// Returns a text such as "device 1 lacks 4.0 KiB (needs 12.0 KiB, has 8.0 KiB)".
[[nodiscard]] std::string shortages_text(
    const Explanation& why,
    const DeviceNames& names = {},
    std::size_t max_shortages = static_cast<std::size_t>(-1)
);

} // namespace headroom::scheduler
