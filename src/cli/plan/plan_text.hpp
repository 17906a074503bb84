// A plan for people: all policies side by side, then where the time and the memory of single ones
// go and what they move.
#pragma once

#include <cstddef>
#include <string>

#include "config/scenario/scenario.hpp"
#include "runtime/offline/planning.hpp"
#include "runtime/setup/outline.hpp"

namespace headroom::cli {

struct PlanView {
    bool detailed = false;    ///< of every policy its details; else of the best one
    bool full = false;        ///< every device and every move
    bool on_terminal = false; ///< with bold headings, and nothing else that a terminal would obey
    std::size_t width = 0;    ///< of the terminal in characters; 0: no limit
};

[[nodiscard]] std::string plan_text(
    const runtime::Plan& plan,
    const config::Scenario& scenario,
    const runtime::Outline& outline,
    const PlanView& view
);

/// "35.1 ms" of a time in seconds, which may be infinite.
[[nodiscard]] std::string format_seconds(double seconds);

} // namespace headroom::cli
