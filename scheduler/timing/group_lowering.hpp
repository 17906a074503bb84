// Lowers the groups of a layer, once their devices have the input. program.hpp describes the
// exchange between the two operations of a group if queries and keys are normalised over all heads
// together. Only program.cpp and ring_lowering.cpp use this header.
#pragma once

#include <cstdint>
#include <functional>

#include "scheduler/timing/lowering_emitter.hpp"

namespace headroom::scheduler {

/// Appends the operations of all groups of a layer, in block order, and the exchange between them
/// if there is one. Calls `before_receive(from, to)` before the receive of each message of the
/// exchange.
void compute_groups(
    Emitter& out,
    std::int32_t layer,
    const std::function<void(DeviceId from, DeviceId to)>& before_receive = [](DeviceId,
                                                                               DeviceId) {}
);

} // namespace headroom::scheduler
