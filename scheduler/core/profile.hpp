// What a resource can give over virtual time: piecewise constant integer rates, and `finish`, the
// one function that turns work into time for the runtime and the timeline alike.
// Everything is a pure function of (virtual time, tokens sampled before the turn began); nothing
// remembers who asked before.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.hpp"
#include "base/stop_check.hpp"
#include "base/units.hpp"

namespace headroom::scheduler {

/// Parts per billion: the integer form of fractions in profiles.
using Ppb = std::int64_t;
inline constexpr Ppb kWhole = 1'000'000'000;

/// t + duration, at most kNever; duration ≥ 0.
[[nodiscard]] constexpr Nanoseconds after(Nanoseconds t, Nanoseconds duration) {
    return t > kNever - duration ? kNever : t + duration;
}

/// A value and the time at which the next one may begin (exclusive; kNever: it stays for ever).
struct Segment {
    std::int64_t value = 0;
    Nanoseconds until = kNever;
};

/// The part of a resource that others use, in [0, kWhole], over virtual time.
/// A breakpoint belongs to the segment that it begins.
class Load {
  public:
    struct Step {
        Nanoseconds at = 0;
        Ppb value = 0;
    };

    Load() = default; ///< none, for ever
    static Load constant(Ppb value);
    /// Steps in strictly increasing order of time; before the first one the load is 0.
    static Load steps(std::vector<Step> steps);
    /// In every period of virtual time [k·period, (k+1)·period) an independent integer drawn
    /// uniformly from [low, high].
    static Load uniform(Ppb low, Ppb high, Nanoseconds period, std::uint64_t stream);
    /// A seeded random walk inside [low, high]: per period one step, uniform in [-step, step],
    /// reflected at the ends; starts in the middle. It has kWalkPeriods periods, then runs
    /// backwards, then forwards again, so that any time can be evaluated without a history.
    static Load walk(Ppb low, Ppb high, Ppb step, Nanoseconds period, std::uint64_t stream);
    static constexpr std::int64_t kWalkPeriods = 4096;

    [[nodiscard]] Segment at(Nanoseconds t) const;
    /// How long each value of a random load holds; kNever: it is none.
    [[nodiscard]] Nanoseconds period() const { return period_; }
    /// After so many periods a random load's values come again; 0: they never do.
    [[nodiscard]] std::int64_t cycle() const { return kind_ == Kind::table ? 2 * kWalkPeriods : 0; }
    /// The value of a random load in its k-th period.
    [[nodiscard]] Ppb in_period(std::int64_t k) const {
        if (kind_ == Kind::uniform) {
            const auto choices = static_cast<std::uint64_t>(high_ - low_ + 1);
            return low_ +
                   static_cast<Ppb>(random_below(stream_, static_cast<std::uint64_t>(k), choices));
        }
        const std::int64_t in_cycle = k % (2 * kWalkPeriods);
        const std::int64_t row =
            in_cycle < kWalkPeriods ? in_cycle : 2 * kWalkPeriods - 1 - in_cycle;
        return table_[static_cast<std::size_t>(row)];
    }
    /// True if no time from t on has a load below kWhole: the resource gives nothing any more.
    [[nodiscard]] bool full_from(Nanoseconds t) const;
    /// A lower bound of the load at all times; a load without end comes back to it or near it.
    [[nodiscard]] Ppb least() const { return least_; }

  private:
    enum class Kind { steps, uniform, table };
    Kind kind_ = Kind::steps;
    std::vector<Step> steps_;
    Ppb low_ = 0;
    Ppb high_ = 0;
    Ppb least_ = 0;
    Nanoseconds period_ = kNever;
    std::uint64_t stream_ = 0;
    std::vector<Ppb> table_;
};

/// A change that an event makes: from `at` (virtual time) or from the first turn begun after
/// `at_token` sampled tokens, the resource has `factor` of what it had at first. Exactly one of the
/// two is set (the other is -1). Of several time events the latest begun counts, of several token
/// events too; one of each multiply.
struct Change {
    Nanoseconds at = -1;
    std::int64_t at_token = -1;
    Ppb factor = kWhole; ///< may exceed kWhole
};

/// A number p/q > 0 in lowest terms; decimal scales of scenario files are exact.
struct Ratio {
    std::int64_t numerator = 1;
    std::int64_t denominator = 1;
};

/// value(t, tokens) = floor(base · scale · (kWhole − load(t)) · Π changes), one rounding.
/// Used for FLOP/s, bytes/s, bytes of memory, and (without load) nanoseconds of latency.
struct Profile {
    std::int64_t base = kUnlimited; ///< kUnlimited stays unlimited whatever else is said
    Ratio scale{};
    Load load{};
    std::vector<Change> changes{};

    /// tokens: how many had been sampled when the turn began that asks.
    [[nodiscard]] Segment at(Nanoseconds t, std::int64_t tokens) const;
    [[nodiscard]] bool unlimited() const { return base == kUnlimited; }
};

/// A run's virtual time ends a year after it began: what would end later never does.
inline constexpr Nanoseconds kHorizon = std::int64_t{365} * 24 * 3600 * kSecond;
/// A random load that leaves nothing for so many periods on end counts as one that always will.
inline constexpr std::int64_t kPatience = std::int64_t{1} << 22;
/// What needs more periods than so many of a load that is drawn for each of them counts as never
/// done. They cannot be skipped, so this bounds what one call of `finish` costs. (A walk's periods
/// come again, so they are skipped by whole cycles.)
inline constexpr std::int64_t kMostDraws = std::int64_t{1} << 27;

/// The earliest nanosecond t ≥ start with ∫ rate dτ ≥ work over [start, t), or kNever: the rate
/// stays 0, or one of the three bounds above is passed.
/// work ≥ 0 in the unit whose rate per second the profile gives; work 0: start, even at rate 0;
/// unlimited: start; start = kNever: kNever. Sums in 128 bits, exact. Source:
/// docs/explanation/time.md#rates-and-finish. `stop` is asked where that takes long.
[[nodiscard]] Nanoseconds finish(
    const Profile& profile,
    Nanoseconds start,
    std::int64_t work,
    std::int64_t tokens,
    StopCheck stop = nullptr
);

/// The same at a constant rate, without bounds.
[[nodiscard]] Nanoseconds finish(PerSecond rate, Nanoseconds start, std::int64_t work);

} // namespace headroom::scheduler
