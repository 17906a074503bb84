// First fit, the common part of policies `greedy` and `round_robin`. Each block (unit of placement,
// such as an attention head with its cache) goes to the first device with room for it. The devices
// are tried in cyclic order, from a start device that may differ from block to block.
#pragma once

#include <cstddef>
#include <functional>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Returns the device to try first for the i-th block; the following devices are tried cyclically.
using StartDevice = std::function<std::size_t(std::size_t i, std::size_t devices)>;

/// Returns the decision for the placement by first fit. If a block finds no room, returns the
/// decision for the placement of pack() (packing.hpp). This decision is infeasible if the placement
/// of pack() does not fit, either.
[[nodiscard]] Decision first_fit(const Problem& problem, const StartDevice& first);

/// The StartDevice of `greedy`: returns 0.
[[nodiscard]] std::size_t start_at_lowest(std::size_t i, std::size_t devices);
/// The StartDevice of `round_robin`: returns i modulo `devices`.
[[nodiscard]] std::size_t start_at_next(std::size_t i, std::size_t devices);

} // namespace headroom::scheduler
