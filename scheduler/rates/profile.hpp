// A Profile is a value of a resource, such as a rate, over virtual time (the time of the emulated
// devices). It is a piecewise constant integer. `finish` computes when work ends at a rate, for the
// runtime and for the timeline, which predicts runs. A rate depends only on the time and the number
// of tokens sampled before the turn (forward pass) began, so no call of `finish` affects another.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.hpp"
#include "base/stop_check.hpp"
#include "base/units.hpp"

namespace headroom::scheduler {

/// A fraction in parts per billion.
using Ppb = std::int64_t;
inline constexpr Ppb kWhole = 1'000'000'000; ///< the fraction 1

/// Returns t + duration, or kNever if the sum does not fit in 64 bits. Precondition: duration ≥ 0.
[[nodiscard]] constexpr Nanoseconds after(Nanoseconds t, Nanoseconds duration) {
    return t > kNever - duration ? kNever : t + duration;
}

/// A value and the time until which it holds (exclusive).
struct ProfilePiece {
    std::int64_t value = 0;
    Nanoseconds until = kNever; ///< kNever if the value never changes again
};

/// The fraction of a resource that other programs use, in [0, kWhole], over virtual time.
class Load {
  public:
    struct Step {
        Nanoseconds at = 0; ///< the value holds from this time until the next step
        Ppb value = 0;
    };

    Load() = default; ///< a load that is 0 at all times
    static Load constant(Ppb value);
    /// Returns a load that is 0 before the first step. Precondition: the steps' times increase.
    static Load steps(std::vector<Step> steps);
    /// Returns a random load. In each period [k·period, (k+1)·period) its value is an independent
    /// integer, uniformly distributed in [low, high]. `stream` is the seed of the random numbers.
    static Load uniform(Ppb low, Ppb high, Nanoseconds period, std::uint64_t stream);
    /// Returns a random walk inside [low, high] that starts in the middle. From each period to the
    /// next the load changes by a random amount, uniformly distributed in [-step, step], and is
    /// reflected at `low` and `high`. To fit in a table, the walk has only kWalkPeriods values;
    /// they follow each other forwards, then backwards, then forwards again, and so on.
    static Load walk(Ppb low, Ppb high, Ppb step, Nanoseconds period, std::uint64_t stream);
    static constexpr std::int64_t kWalkPeriods = 4096;

    [[nodiscard]] ProfilePiece at(Nanoseconds t) const;
    /// Returns how long each value of a random load holds; kNever if the load is not random.
    [[nodiscard]] Nanoseconds period() const { return period_; }
    /// Returns the number of periods after which a random load repeats; 0 if the load does not.
    [[nodiscard]] std::int64_t cycle_periods() const {
        return kind_ == Kind::table ? 2 * kWalkPeriods : 0;
    }
    /// Returns the value in period k. Precondition: the load is random.
    [[nodiscard]] Ppb value_in_period(std::int64_t k) const {
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
    /// Returns whether the load is kWhole at all times from t on, so that the rate stays 0.
    [[nodiscard]] bool is_full_from(Nanoseconds t) const;
    /// Returns a value that the load is never below.
    [[nodiscard]] Ppb min_load() const { return min_load_; }

  private:
    enum class Kind { steps, uniform, table };
    static Load random(Kind kind, Ppb low, Ppb high, Nanoseconds period);
    Kind kind_ = Kind::steps;
    std::vector<Step> steps_;
    Ppb low_ = 0;
    Ppb high_ = 0;
    Ppb min_load_ = 0;
    Nanoseconds period_ = kNever;
    std::uint64_t stream_ = 0;
    std::vector<Ppb> table_;
};

/// The effect of a scenario event on a resource: the resource's value is multiplied by `factor`,
/// either from the virtual time `at` on, or in turns that begin after `at_token` sampled tokens or
/// later. One of `at` and `at_token` is set, the other is -1. The latest change by time and the
/// latest change by token are in force together: the value is multiplied by both factors.
struct Change {
    Nanoseconds at = -1;
    std::int64_t at_token = -1;
    Ppb factor = kWhole; ///< may exceed kWhole
};

/// A positive fraction in lowest terms. It can represent a decimal number of a scenario exactly.
struct Ratio {
    std::int64_t numerator = 1;
    std::int64_t denominator = 1;
};

/// The value of a resource over time: floor(base · scale · (1 − load) · factors of the changes).
/// The product is rounded once. `scale` is the scenario's factor for all resources of this kind.
/// Rates are in FLOP/s or bytes/s, memory is in bytes, and latency, which has no load, in ns.
struct Profile {
    std::int64_t base = kUnlimited; ///< if kUnlimited, the value is kUnlimited at all times
    Ratio scale{};
    Load load{};
    std::vector<Change> changes{};

    /// Returns the value at time t for a turn that began after `tokens` sampled tokens.
    [[nodiscard]] ProfilePiece at(Nanoseconds t, std::int64_t tokens) const;
    [[nodiscard]] bool unlimited() const { return base == kUnlimited; }
};

/// The end of virtual time, after one year. Work that would end later counts as never ending.
inline constexpr Nanoseconds kHorizon = std::int64_t{365} * 24 * 3600 * kSecond;
/// If a random load keeps a rate at 0 for this many periods in a row, the rate counts as 0 for
/// ever, because `finish` would have to look at all further periods one by one.
inline constexpr std::int64_t kMaxEmptyPeriods = std::int64_t{1} << 22;
/// Work that needs more than this many periods of a Load::uniform counts as never ending. Such a
/// load does not repeat, so `finish` would have to compute all these periods one by one.
inline constexpr std::int64_t kMaxDraws = std::int64_t{1} << 27;

/// Returns the earliest nanosecond t ≥ start at which the integral of the rate over [start, t) is
/// at least `work`. The integral is computed exactly. Returns `start` if `work` is 0 or the rate is
/// unlimited, and kNever if the rate stays 0 or one of the three limits above is exceeded. `work`
/// is in FLOP for a rate in FLOP/s, and in bytes for a rate in bytes/s. `tokens` is the number of
/// tokens that were sampled before the turn began. A long computation calls `stop` now and then,
/// and throws InterruptedError if the result is not 0. Precondition: start ≥ 0 and work ≥ 0. See
/// docs/explanation/time.md#rates-and-finish.
[[nodiscard]] Nanoseconds finish(
    const Profile& profile,
    Nanoseconds start,
    std::int64_t work,
    std::int64_t tokens,
    StopCheck stop = nullptr
);

/// Returns when work that begins at `start` ends at a constant rate. The three limits do not apply.
[[nodiscard]] Nanoseconds finish(PerSecond rate, Nanoseconds start, std::int64_t work);

} // namespace headroom::scheduler
