// What greedy and round_robin share: place block after block, each on the first device with room
// in a cyclic order that depends on the block's number.
#pragma once

#include <cstddef>
#include <functional>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// For the i-th block of n devices: the device to try first; then the following ones, cyclically.
using FirstTry = std::function<std::size_t(std::size_t i, std::size_t devices)>;

/// Falls back to packing by size when a block finds no room; infeasible if that fails too.
[[nodiscard]] Decision first_fit(const Problem& problem, const FirstTry& first);

/// The placement alone; empty if a block finds no room (no fallback).
[[nodiscard]] Placement first_fit_placement(const Problem& problem, const FirstTry& first);

[[nodiscard]] std::size_t lowest_first(std::size_t i, std::size_t devices);
[[nodiscard]] std::size_t in_turn(std::size_t i, std::size_t devices);

} // namespace headroom::scheduler
