// Gives a random problem the costs of real devices: rates per weight type, overheads and shared
// media. The same seed gives the same costs on every machine.
#pragma once

#include <cstdint>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler::testing {

/// Which costs to draw.
struct DeviceCosts {
    bool rates = false;              ///< about half of the devices have rates per weight type
    bool operation_overhead = false; ///< most devices
    bool message_overhead = false;   ///< most devices
    bool media = false;              ///< one or two media with at least two members in all

    [[nodiscard]] static DeviceCosts all() { return {true, true, true, true}; }
    /// Returns the choice with this number; numbers from 0 to 15 are all choices.
    [[nodiscard]] static DeviceCosts choice(std::uint64_t number) {
        return {(number & 1) != 0, (number & 2) != 0, (number & 4) != 0, (number & 8) != 0};
    }
};

/// Adds costs to the problem's snapshot. They are of the order of the costs that are there.
void add_device_costs(Problem& problem, const DeviceCosts& costs, std::uint64_t seed);

} // namespace headroom::scheduler::testing
