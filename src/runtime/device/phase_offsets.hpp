// Computes the phase offset of each segment (a part of a device's program that runs without
// waiting). The phase offset is the time from the start of a decode step to the start of the
// segment, if no other turn (forward pass) is in progress. All devices compute the same offsets,
// and order the segments of all turns by their offsets.
#pragma once

#include <vector>

#include "config/scenario/scenario.hpp"
#include "runtime/device/control_messages.hpp"
#include "scheduler/core/blocks.hpp"
#include "scheduler/timing/program.hpp"
#include "scheduler/timing/turn_schedule.hpp"

namespace headroom::runtime {

/// programs: one per device, for the placement that `installation` puts in force.
[[nodiscard]] scheduler::PhaseOffsets phase_offsets_for(
    const config::Scenario& scenario,
    const scheduler::Blocks& blocks,
    const std::vector<scheduler::Program>& programs,
    const Installation& installation
);

} // namespace headroom::runtime
