// How many units of a layer each device should take, and the fastest plan of a whole model when
// memory is left out of account.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "scheduler/core/problem.hpp"
#include "scheduler/core/units.hpp"
#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {

/// A layer's blocks in counts; sliced: proj and ffn both are the hub's device.
struct LayerCounts {
    std::size_t proj = 0;
    std::size_t ffn = 0;
    std::vector<std::int32_t> groups; ///< per device
    std::vector<std::int32_t> slices; ///< per device; empty if not sliced
};

/// Units go to the devices in the order of both.
void put_layer(
    const Blocks& blocks, std::size_t layer, const LayerCounts& counts, Placement& placement
);

/// Units of one layer and where they are gathered: x stands on `holder`, outputs go to `target`.
struct Gathering {
    std::size_t layer = 0;
    std::size_t holder = 0;
    std::size_t target = 0;
    Unit unit = Unit::group;
};

/// Gives n units one by one to the device that finishes its share first, transfer included;
/// optimal for the latest finish, because a device's finish only grows with its count. Under cost
/// profile `paper`: spread_by_formula.
/// caps: most units per device. Empty if the caps do not hold them all.
[[nodiscard]] std::vector<std::int32_t> spread_units(
    const StepDelay& step,
    const Gathering& gathering,
    const std::vector<std::int32_t>& caps,
    std::int32_t n
);

/// spread_units for whoever asks often: remembers, per pair of holder and target, the spread that
/// no memory limits. Where caps bind, that spread cut down to them is a beginning of the answer,
/// because units are given in the order of their finish. By the formula it is the answer only where
/// it fits.
class Spreads {
  public:
    /// Keeps pointers to both.
    Spreads(const Problem& problem, const StepDelay& step);

    [[nodiscard]] const Problem& problem() const { return *problem_; }
    [[nodiscard]] const StepDelay& step() const { return *step_; }
    /// All units of a kind within caps; as spread_units.
    [[nodiscard]] std::vector<std::int32_t> within(
        const Gathering& gathering, const std::vector<std::int32_t>& caps
    );

    /// The spread that no memory limits; all 0 if there is too little compute. Only in fleets of up
    /// to kMostRemembered devices.
    [[nodiscard]] const std::vector<std::int32_t>& unlimited(const Gathering& gathering);

    static constexpr std::size_t kMostRemembered = 64;

  private:
    const Problem* problem_;
    const StepDelay* step_;
    std::vector<std::size_t> first_alike_;        ///< per layer: the first of the same types
    std::vector<std::vector<std::int32_t>> most_; ///< [unit]: caps of empty devices without memory
    std::vector<std::vector<std::int32_t>> memo_; ///< [layer of a type][unit][holder][target]
};

/// The devices in order of what one layer takes on them alone, fastest first.
[[nodiscard]] std::vector<std::size_t> by_speed(const StepDelay& step);

/// The fastest placement if memory had no limit; optimal but for messages that share a link (and,
/// in fleets of more than 16 devices, but for slow devices as hosts of proj, ffn and hub).
[[nodiscard]] Placement unlimited_plan(const Problem& problem, const StepDelay& step);

} // namespace headroom::scheduler
