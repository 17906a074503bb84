// The order in which devices execute the turns under way, computed alike on all devices.
#pragma once

#include <vector>

#include "config/scenario/scenario.hpp"
#include "runtime/device/control_messages.hpp"
#include "scheduler/core/blocks.hpp"
#include "scheduler/timing/program.hpp"
#include "scheduler/timing/turn_schedule.hpp"

namespace headroom::runtime {

/// Returns the phase offsets of all segments under the placement of an installation. programs: the
/// programs of all devices for this placement.
[[nodiscard]] scheduler::PhaseOffsets phase_offsets_for(
    const config::Scenario& scenario,
    const scheduler::Blocks& blocks,
    const std::vector<scheduler::Program>& programs,
    const Installation& installation
);

} // namespace headroom::runtime
