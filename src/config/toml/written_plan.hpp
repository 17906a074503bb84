// Reads the placement from what `headroom plan --json` printed. Checks its form only: whoever uses
// it compares devices and blocks with those of a scenario.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.hpp"

namespace headroom::config {

struct WrittenPlan {
    std::vector<std::string> devices;    ///< names
    std::vector<std::string> blocks;     ///< names in canonical order
    std::vector<std::int32_t> placement; ///< index of the device, by block
    std::int64_t at = 0;                 ///< tokens that each sequence had sampled
    std::int64_t interval = 0;           ///< λ
    Nanoseconds clock = 0;               ///< virtual time of the decision
    /// "", or why the text has no placement. This continues a sentence that begins with the name of
    /// the text: "has 2 placements …". The other members are not valid then.
    std::string problem;
};

/// Reads the only placement of a plan. expected: what else the user could have given, for problems,
/// such as "expected a trace (.h5), or what headroom plan --policy P --json printed".
[[nodiscard]] WrittenPlan read_written_plan(std::string_view text, std::string_view expected);

} // namespace headroom::config
