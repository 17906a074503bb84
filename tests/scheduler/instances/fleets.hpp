// Small fleets and model shapes that tests share, and random ones that depend on a seed only.
#pragma once

#include <cstdint>

#include "base/random.hpp"
#include "scheduler/core/blocks.hpp"
#include "scheduler/core/cut.hpp"
#include "scheduler/core/fleet.hpp"

namespace headroom::scheduler::testing {

/// Returns the model of docs/explanation/time.md#worked-example: one layer, D = 64, two heads of
/// width 32, F = 128, a vocabulary of 100 and F32 weights.
ModelShape example_shape();
/// Returns its fleet: A has 1 GFLOP/s, B has 2 GFLOP/s, the links 8 Mbit/s and a latency of 1 ms.
/// The source is A.
Fleet example_fleet();
/// Returns its placement: head 1 and ffn are on B, all other blocks on A.
Placement example_placement();

/// Returns a rate that never changes.
Profile constant_profile(std::int64_t value);
/// Returns a fleet of equal devices and links with practically unlimited memory and without caps.
Fleet equal_fleet(std::size_t devices, PerSecond compute, PerSecond bandwidth, Nanoseconds latency);

/// Returns a shape with 1 to 3 layers. Grouped heads, gated ffn, ends, tied matrices and
/// windows are drawn.
ModelShape random_shape(Random& random);
/// Returns a shape with heads of 8 to 48 columns and a random weight type for each matrix. A group
/// or a slice may begin within a quantisation block.
ModelShape fine_shape(Random& random);
/// Returns a cut of granularity `sliced` with 1 to 9 slices. Slices may begin within a quantisation
/// block.
Cut random_cut(Random& random, const ModelShape& shape, Reduce reduce);
/// Returns a fleet with loads of all kinds and events. Some devices have caps, all have storage.
Fleet random_fleet(Random& random, std::size_t devices);

/// Which costs of real devices a fleet has.
struct FleetCosts {
    bool rates = false;     ///< about half of the devices have rates per weight type
    bool overheads = false; ///< of operations and of messages, on most devices
    bool jitter = false;    ///< a draw per message, or a latency that varies over time
    bool loss = false;
    bool media = false; ///< one to three, with most devices as members

    [[nodiscard]] static FleetCosts all() { return {true, true, true, true, true}; }
    /// Returns the choice with this number; numbers from 0 to 31 are all choices.
    [[nodiscard]] static FleetCosts choice(std::uint64_t number) {
        return {
            (number & 1) != 0,
            (number & 2) != 0,
            (number & 4) != 0,
            (number & 8) != 0,
            (number & 16) != 0};
    }
};

/// Adds random costs to a random fleet. Every link has a specification of its own afterwards.
void add_costs(Fleet& fleet, const FleetCosts& costs, Random& random);
/// Returns a placement of every block on a random device.
Placement random_placement(Random& random, std::size_t blocks, std::size_t devices);

} // namespace headroom::scheduler::testing
