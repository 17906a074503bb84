// `finish`. It adds up the work of one piece of the profile after the other. If the values of a
// random load repeat, whole cycles are skipped.
#include <algorithm>

#include "base/check.hpp"
#include "base/int128.hpp"
#include "scheduler/rates/profile.hpp"
#include "scheduler/rates/scaled_rate.hpp"

namespace headroom::scheduler {

namespace {

/// The periods of a random load that are added one by one before a ScaledRate is prepared, which
/// takes about as long.
constexpr std::int64_t kFewPeriods = 32;
/// Periods between two calls of `stop`; they take a fraction of a millisecond.
constexpr std::int64_t kPeriodsPerStopCheck = std::int64_t{1} << 16;

/// Returns work · ns per second, so that scaled work / rate is in nanoseconds.
UInt128 scaled_work(std::int64_t work) {
    return UInt128{static_cast<std::uint64_t>(work)} * static_cast<std::uint64_t>(kSecond);
}

UInt128 product(std::int64_t a, std::int64_t b) {
    return UInt128{static_cast<std::uint64_t>(a)} * static_cast<std::uint64_t>(b);
}

/// Returns ⌈work / rate⌉ in nanoseconds for scaled work. Precondition: rate > 0.
UInt128 duration_of(UInt128 work, std::int64_t rate) {
    const auto divisor = static_cast<std::uint64_t>(rate);
    if (const auto small = static_cast<std::uint64_t>(work); small == work) {
        return small / divisor + (small % divisor != 0 ? 1 : 0); // faster than with 128 bits
    }
    return (work + divisor - 1) / divisor;
}

/// Follows a profile from `start` on until the work is done.
class Progress {
  public:
    Progress(
        const Profile& profile,
        Nanoseconds start,
        std::int64_t work,
        std::int64_t tokens,
        StopCheck stop
    )
        : profile_(profile), tokens_(tokens), stop_(stop), t_(start), missing_(scaled_work(work)) {}

    Nanoseconds finish() {
        for (std::int64_t pieces = 0; !is_over(); ++pieces) {
            if (pieces >= kFewPeriods && profile_.load.period() != kNever) {
                follow_periods();
                pieces = 0;
            } else {
                follow_piece();
            }
        }
        return done_ && end_ <= kHorizon ? end_ : kNever;
    }

  private:
    [[nodiscard]] bool is_over() const {
        return done_ || t_ >= kHorizon || empty_ >= kMaxEmptyPeriods;
    }

    void follow_piece() {
        const ProfilePiece now = profile_.at(t_, tokens_);
        if (now.value == 0) {
            ++empty_;
            t_ = end_of_zero_rate(now.until);
            return;
        }
        advance(now.value, now.until);
    }

    /// Works at a rate above 0 until the time `until` or until the work is done.
    void advance(std::int64_t rate, Nanoseconds until) {
        empty_ = 0;
        const UInt128 possible = product(until - t_, rate);
        if (possible >= missing_) {
            done_ = true;
            end_ = t_ + static_cast<Nanoseconds>(duration_of(missing_, rate));
            return;
        }
        missing_ -= possible;
        t_ = until;
    }

    /// The rate is 0 at t_. Returns the first time at which it can be above 0, or kNever.
    [[nodiscard]] Nanoseconds end_of_zero_rate(Nanoseconds piece_end) const {
        if (profile_.load.is_full_from(t_)) {
            return kNever;
        }
        const Factors factors = factors_at(profile_.changes, t_, tokens_);
        return scaled_value(profile_, profile_.load.min_load(), factors) == 0 ? factors.until
                                                                              : piece_end;
    }

    /// Works through whole periods of a random load while the changes in force stay the same. Stops
    /// before the period in which the work is done.
    void follow_periods() {
        follow_piece(); // up to the start of a period
        const Nanoseconds period = profile_.load.period();
        const Factors factors = factors_at(profile_.changes, t_, tokens_);
        const Nanoseconds end = std::min(factors.until, kHorizon);
        const ScaledRate rate(profile_, factors);
        const std::int64_t max_rate = rate(profile_.load.min_load());
        if (is_over() || t_ % period != 0 || max_rate == 0) {
            return;
        }
        if (end == kHorizon && must_exceed_limit(max_rate)) {
            t_ = kNever;
            return;
        }
        std::int64_t count = 0;
        do {
            throw_if_stopped(stop_);
            skip_cycles(rate, max_rate, end);
            count = std::min(kPeriodsPerStopCheck, (end - t_) / period);
        } while (count > 0 && follow_whole(rate, count) && !is_over());
    }

    /// Returns whether the work would exceed kHorizon or kMaxDraws even at the highest rate.
    [[nodiscard]] bool must_exceed_limit(std::int64_t max_rate) const {
        const UInt128 by_draws = product(profile_.load.period(), max_rate) *
                                 static_cast<std::uint64_t>(kMaxDraws - draws_);
        return missing_ > product(kHorizon - t_, max_rate) ||
               (profile_.load.cycle_periods() == 0 && missing_ > by_draws);
    }

    /// Works through up to `count` whole periods. Stops before the period in which the work is done
    /// and then returns false. `budget` is the missing work in units of rate · period, rounded
    /// down: the work is done in a period whose rate is above the budget.
    bool follow_whole(const ScaledRate& rate, std::int64_t count) {
        const Load& load = profile_.load;
        const auto period = static_cast<std::uint64_t>(load.period());
        const auto all = static_cast<std::int64_t>(
            std::min((missing_ - 1) / period, UInt128{static_cast<std::uint64_t>(kUnlimited)})
        );
        const std::int64_t first = t_ / load.period();
        std::int64_t budget = all;
        std::int64_t longest = 0;
        std::int64_t k = first;
        for (; k < first + count; ++k) {
            const std::int64_t value = rate(load.value_in_period(k));
            if (value > budget) {
                break;
            }
            budget -= value;
            empty_ = value == 0 ? empty_ + 1 : 0;
            longest = std::max(longest, empty_);
        }
        if (longest >= kMaxEmptyPeriods) {
            empty_ = longest;
        }
        missing_ -= UInt128{static_cast<std::uint64_t>(all - budget)} * period;
        t_ = k * load.period();
        draws_ += load.cycle_periods() == 0 ? k - first : 0;
        if (draws_ >= kMaxDraws) {
            t_ = kNever;
        }
        return k == first + count;
    }

    /// If the values of the load repeat, skips as many whole cycles as end before `end` and before
    /// the work is done.
    void skip_cycles(const ScaledRate& rate, std::int64_t max_rate, Nanoseconds end) {
        const Load& load = profile_.load;
        const std::int64_t cycle = load.cycle_periods();
        if (cycle == 0 || load.period() > (end - t_) / cycle ||
            missing_ <= product(load.period(), max_rate) * static_cast<std::uint64_t>(cycle)) {
            return;
        }
        UInt128 sum = 0; // above 0, because the cycle has the period with the smallest load
        for (std::int64_t k = 0; k < cycle; ++k) {
            sum += static_cast<std::uint64_t>(rate(load.value_in_period(k)));
        }
        sum *= static_cast<std::uint64_t>(load.period());
        const Nanoseconds length = cycle * load.period();
        const auto left = static_cast<std::uint64_t>((end - t_) / length);
        const UInt128 cycles = std::min((missing_ - 1) / sum, UInt128{left});
        missing_ -= cycles * sum;
        t_ += static_cast<Nanoseconds>(cycles) * length;
    }

    const Profile& profile_;
    std::int64_t tokens_;
    StopCheck stop_;
    Nanoseconds t_;
    UInt128 missing_;        ///< scaled work that is not done, above 0
    std::int64_t empty_ = 0; ///< pieces in a row with a rate of 0
    std::int64_t draws_ = 0; ///< periods of a load without repetition
    bool done_ = false;
    Nanoseconds end_ = kNever; ///< when the work is done
};

} // namespace

Nanoseconds finish(
    const Profile& profile,
    Nanoseconds start,
    std::int64_t work,
    std::int64_t tokens,
    StopCheck stop
) {
    HEADROOM_CHECK(start >= 0 && work >= 0, "work {} from {}", work, start);
    if (work == 0 || profile.unlimited()) {
        return start;
    }
    return Progress(profile, start, work, tokens, stop).finish();
}

Nanoseconds finish(PerSecond rate, Nanoseconds start, std::int64_t work) {
    HEADROOM_CHECK(start >= 0 && work >= 0 && rate >= 0, "work {} at {}", work, rate);
    if (work == 0 || rate == kUnlimited) {
        return start;
    }
    if (rate == 0) {
        return kNever;
    }
    const UInt128 duration = duration_of(scaled_work(work), rate);
    const auto left = static_cast<std::uint64_t>(kNever - start);
    return duration >= left ? kNever : start + static_cast<Nanoseconds>(duration);
}

} // namespace headroom::scheduler
