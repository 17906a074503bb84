// Computes how many units of a layer, which are groups (K/V heads) or slices (of the FFN), each
// device should take.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "scheduler/core/problem.hpp"
#include "scheduler/core/units.hpp"
#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {

/// The placement of one layer as numbers of units per device. `proj` and `ffn` are the devices of
/// these blocks; with granularity `sliced` both are the device of the hub, which adds up sums.
struct LayerCounts {
    std::size_t proj = 0;
    std::size_t ffn = 0;
    std::vector<std::int32_t> groups; ///< per device
    std::vector<std::int32_t> slices; ///< per device; empty if not sliced
};

/// Calls place(block, device) for every block of a layer. Device 0 gets the first units, device 1
/// the next ones, and so on.
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

/// Says which units are to be spread: those of one kind in one layer. They receive their input from
/// `activation_device` and send their outputs to `target`.
struct Gathering {
    std::size_t layer = 0;
    std::size_t activation_device = 0;
    std::size_t target = 0;
    Unit unit = Unit::group;
};

/// Spreads n units over the devices and returns the number of units per device. Each unit goes to
/// the device that finishes earliest with one unit more, transfers included. This minimises the
/// latest finish, because a device finishes later with every unit. `max_units` limits the units per
/// device; if the limits add up to less than n, the result is empty. Under cost profile `paper`
/// this is spread_by_formula() of spread_paper.hpp.
[[nodiscard]] std::vector<std::int32_t> spread_units(
    const StepDelay& step,
    const Gathering& gathering,
    const std::vector<std::int32_t>& max_units,
    std::int32_t n
);

/// A cache for callers that need many spreads (numbers of units per device). For each pair of
/// activation device and target it keeps the spread without memory limits. within() lowers the
/// numbers of that spread that exceed the limit of their device. It gives the units that are then
/// left over to other devices, one by one. The result equals that of spread_units(), because that
/// function, too, only passes over devices that have reached their limits. This does not hold for
/// the formula of cost profile `paper`. There, if a number exceeds its limit, within() computes a
/// new spread by spread_by_formula().
class Spreads {
  public:
    /// Keeps pointers to both arguments.
    Spreads(const Problem& problem, const StepDelay& step);

    [[nodiscard]] const Problem& problem() const { return *problem_; }
    [[nodiscard]] const StepDelay& step() const { return *step_; }
    /// Returns what spread_units() returns for all units of the layer and kind.
    [[nodiscard]] std::vector<std::int32_t> within(
        const Gathering& gathering, const std::vector<std::int32_t>& max_units
    );

    /// Returns the spread without memory limits. All counts are 0 if all devices together can take
    /// too few units, because cost profile `paper` limits their compute.
    [[nodiscard]] const std::vector<std::int32_t>& unlimited(const Gathering& gathering);

    static constexpr std::size_t kMaxRemembered = 64;

  private:
    const Problem* problem_;
    const StepDelay* step_;
    std::vector<std::size_t> first_alike_; ///< [layer]: first layer that is alike
    /// [unit][device]: the most units that the device can take by its compute_limit()
    /// (block_cost.hpp), whatever its memory
    std::vector<std::vector<std::int32_t>> unlimited_units_;
    /// The kept spreads: [first_alike_][unit][activation device][target]
    std::vector<std::vector<std::int32_t>> memo_;
};

/// Returns all devices, the fastest first. The speed of a device is measured by the time of layer 0
/// with all of its blocks on that device.
[[nodiscard]] std::vector<std::size_t> devices_by_speed(const StepDelay& step);

} // namespace headroom::scheduler
