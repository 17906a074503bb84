// Which of several turns in flight goes first, the same on all devices.
#pragma once

#include <vector>

#include "config/scenario/scenario.hpp"
#include "runtime/device/control_messages.hpp"
#include "scheduler/core/blocks.hpp"
#include "scheduler/timing/program.hpp"
#include "scheduler/timing/turn_schedule.hpp"

namespace headroom::runtime {

/// How turns are staggered under an installation; the same on all devices.
[[nodiscard]] scheduler::Stagger stagger(
    const config::Scenario& scenario,
    const scheduler::Blocks& blocks,
    const std::vector<scheduler::Program>& programs,
    const Installation& installation
);

} // namespace headroom::runtime
