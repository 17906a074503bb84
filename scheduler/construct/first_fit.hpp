// First fit, the common part of policies `greedy` and `round_robin`: each block (unit of placement,
// such as an attention head with its cache) goes to the first device with room for it, in a cyclic
// order that may start at another device for each block.
#pragma once

#include <cstddef>
#include <functional>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// Returns the device to try first for the i-th block; the following devices are tried cyclically.
using StartDevice = std::function<std::size_t(std::size_t i, std::size_t devices)>;

/// Returns the decision for first_fit_placement, or for that of pack() (packing.hpp) if a block
/// finds no room. The decision is infeasible if neither fits.
[[nodiscard]] Decision first_fit(const Problem& problem, const StartDevice& first);

/// Returns the placement by first fit; empty if a block finds no room.
[[nodiscard]] Placement first_fit_placement(const Problem& problem, const StartDevice& first);

/// Return device 0 (greedy), and device i modulo the number of devices (round_robin).
[[nodiscard]] std::size_t start_at_lowest(std::size_t i, std::size_t devices);
[[nodiscard]] std::size_t start_at_next(std::size_t i, std::size_t devices);

} // namespace headroom::scheduler
