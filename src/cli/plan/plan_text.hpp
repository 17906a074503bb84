// A plan as text: first all policies side by side, then the times, memory and moves of single
// policies.
#pragma once

#include <cstddef>
#include <string>

#include "config/scenario/scenario.hpp"
#include "runtime/offline/planning.hpp"
#include "runtime/setup/workload_description.hpp"

namespace headroom::cli {

struct PlanView {
    bool detailed = false;     ///< show the details of every policy, not only of the best one
    bool full = false;         ///< show every device and every move
    bool for_terminal = false; ///< headings are bold; control codes in names become visible escapes
    std::size_t width = 0;     ///< width of the terminal in characters; 0: no limit
};

[[nodiscard]] std::string plan_text(
    const runtime::Plan& plan,
    const config::Scenario& scenario,
    const runtime::WorkloadDescription& workload,
    const PlanView& view
);

/// Returns a duration such as "35.1 ms" for a time in seconds, or "never" if it is infinite.
[[nodiscard]] std::string format_seconds(double seconds);

} // namespace headroom::cli
