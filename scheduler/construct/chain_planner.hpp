// Computes how many units (groups or slices) of a layer each device should take, and the fastest
// placement of a whole model if memory had no limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "scheduler/core/problem.hpp"
#include "scheduler/core/units.hpp"
#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {

/// The placement of one layer as numbers of units per device. `proj` and `ffn` are the devices of
/// these blocks; with granularity `sliced` both are the hub's device.
struct LayerCounts {
    std::size_t proj = 0;
    std::size_t ffn = 0;
    std::vector<std::int32_t> groups; ///< per device
    std::vector<std::int32_t> slices; ///< per device; empty if not sliced
};

/// Calls place(block, device) for every block of a layer. Device 0 gets the first units, and so on.
template <class Place>
void place_layer(
    const Blocks& blocks, std::size_t layer, const LayerCounts& counts, const Place& place
) {
    for (const Unit unit : units_of(blocks)) {
        const auto& each = unit == Unit::group ? counts.groups : counts.slices;
        std::int32_t next = 0;
        for (std::size_t d = 0; d < each.size(); ++d) {
            for (std::int32_t k = 0; k < each[d]; ++k) {
                place(unit_of(blocks, unit, layer, next++), DeviceId(d));
            }
        }
    }
    place(reduction_block_of(blocks, layer), DeviceId(counts.proj));
    place(activation_block_of(blocks, layer), DeviceId(counts.ffn));
}

/// The units of one kind in a layer: `activation_device` sends x to them, `target` gets outputs.
struct Gathering {
    std::size_t layer = 0;
    std::size_t activation_device = 0;
    std::size_t target = 0;
    Unit unit = Unit::group;
};

/// Gives each of n units to the device that would finish earliest with it, transfer included, and
/// returns the number of units per device. The latest finish is minimal, because every further unit
/// lets a device finish later. `max_units` limits the units per device; if the limits add up to
/// less than n, the result is empty. Under cost profile `paper` this is spread_by_formula.
[[nodiscard]] std::vector<std::int32_t> spread_units(
    const StepDelay& step,
    const Gathering& gathering,
    const std::vector<std::int32_t>& max_units,
    std::int32_t n
);

/// Caches results of spread_units, for callers that ask often. For each pair of activation device
/// and target the class keeps the spread (the units per device) without memory limits. If limits
/// are given, each count of the kept spread is lowered to its limit, and the units that are then
/// missing go to other devices. That equals spread_units, which adds units in the order of their
/// finish. Under cost profile `paper` the kept spread is used only if it is within the limits.
class Spreads {
  public:
    /// Keeps pointers to both arguments.
    Spreads(const Problem& problem, const StepDelay& step);

    [[nodiscard]] const Problem& problem() const { return *problem_; }
    [[nodiscard]] const StepDelay& step() const { return *step_; }
    /// Returns the spread of all units of a kind within `max_units`, like spread_units.
    [[nodiscard]] std::vector<std::int32_t> within(
        const Gathering& gathering, const std::vector<std::int32_t>& max_units
    );

    /// Returns the spread without memory limits; all counts are 0 if there is too little compute.
    /// Precondition: the fleet has at most kMaxRemembered devices.
    [[nodiscard]] const std::vector<std::int32_t>& unlimited(const Gathering& gathering);

    static constexpr std::size_t kMaxRemembered = 64;

  private:
    const Problem* problem_;
    const StepDelay* step_;
    std::vector<std::size_t> first_alike_; ///< [layer]: first layer with equal weight types
    /// [unit][device]: limits by compute alone
    std::vector<std::vector<std::int32_t>> unlimited_units_;
    /// [first_alike_][unit][activation device][target]
    std::vector<std::vector<std::int32_t>> memo_;
};

/// Returns the devices ordered by the time of one layer on the device alone, the fastest first.
[[nodiscard]] std::vector<std::size_t> devices_by_speed(const StepDelay& step);

/// Returns the fastest placement if memory had no limit; optimal if no two messages share a link.
/// In fleets of more than 16 devices only the fastest and the source may have proj, ffn and hub.
[[nodiscard]] Placement unlimited_plan(const Problem& problem, const StepDelay& step);

} // namespace headroom::scheduler
