// `finish`: how long work takes at a rate that changes. A random load's periods are followed one by
// one; of those that come again whole cycles are skipped.
#include <algorithm>

#include "base/check.hpp"
#include "base/wide.hpp"
#include "scheduler/core/profile.hpp"
#include "scheduler/core/scaled_rate.hpp"

namespace headroom::scheduler {

namespace {

/// So many periods are followed before a profile is prepared for many more, which takes as long.
constexpr std::int64_t kFewPeriods = 32;
/// Periods between two questions whether to stop: a fraction of a millisecond.
constexpr std::int64_t kPeriodsPerLook = std::int64_t{1} << 16;

/// Work in units · ns per second.
UnsignedWide scaled_work(std::int64_t work) {
    return UnsignedWide{static_cast<std::uint64_t>(work)} * static_cast<std::uint64_t>(kSecond);
}

UnsignedWide product(std::int64_t a, std::int64_t b) {
    return UnsignedWide{static_cast<std::uint64_t>(a)} * static_cast<std::uint64_t>(b);
}

/// ⌈work / rate⌉ in nanoseconds for scaled work; rate > 0.
UnsignedWide duration_of(UnsignedWide work, std::int64_t rate) {
    const auto divisor = static_cast<std::uint64_t>(rate);
    if (const auto small = static_cast<std::uint64_t>(work); small == work) {
        return small / divisor + (small % divisor != 0 ? 1 : 0); // many times faster than 128 bits
    }
    return (work + divisor - 1) / divisor;
}

/// Work on its way through a profile's segments.
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
        for (std::int64_t segments = 0; !over(); ++segments) {
            if (segments >= kFewPeriods && profile_.load.period() != kNever) {
                follow_periods();
                segments = 0;
            } else {
                follow_segment();
            }
        }
        return done_ && end_ <= kHorizon ? end_ : kNever;
    }

  private:
    [[nodiscard]] bool over() const { return done_ || t_ >= kHorizon || empty_ >= kPatience; }

    void follow_segment() {
        const Segment now = profile_.at(t_, tokens_);
        if (now.value == 0) {
            ++empty_;
            t_ = next_chance(now.until);
            return;
        }
        work(now.value, now.until);
    }

    /// At this rate, which is not 0, until then.
    void work(std::int64_t rate, Nanoseconds until) {
        empty_ = 0;
        const UnsignedWide most = product(until - t_, rate);
        if (most >= missing_) {
            done_ = true;
            end_ = t_ + static_cast<Nanoseconds>(duration_of(missing_, rate));
            return;
        }
        missing_ -= most;
        t_ = until;
    }

    /// The value is 0 now: the first time at which it may be otherwise (kNever: it stays 0).
    [[nodiscard]] Nanoseconds next_chance(Nanoseconds segment_end) const {
        if (profile_.load.full_from(t_)) {
            return kNever;
        }
        const Factors factors = factors_at(profile_.changes, t_, tokens_);
        return scaled(profile_, profile_.load.least(), factors) == 0 ? factors.until : segment_end;
    }

    /// Whole periods of a random load under the same changes, up to the one in which the work is
    /// done.
    void follow_periods() {
        follow_segment(); // to where a period begins
        const Nanoseconds period = profile_.load.period();
        const Factors factors = factors_at(profile_.changes, t_, tokens_);
        const Nanoseconds end = std::min(factors.until, kHorizon);
        const ScaledRate rate(profile_, factors);
        const std::int64_t most = rate(profile_.load.least());
        if (over() || t_ % period != 0 || most == 0) {
            return;
        }
        if (end == kHorizon && is_hopeless(most)) {
            t_ = kNever;
            return;
        }
        std::int64_t count = 0;
        do {
            stop_if_asked(stop_);
            skip_cycles(rate, most, end);
            count = std::min(kPeriodsPerLook, (end - t_) / period);
        } while (count > 0 && follow_whole(rate, count) && !over());
    }

    /// Will it pass a bound even at the highest rate?
    [[nodiscard]] bool is_hopeless(std::int64_t most) const {
        const UnsignedWide by_draws =
            product(profile_.load.period(), most) * static_cast<std::uint64_t>(kMostDraws - draws_);
        return missing_ > product(kHorizon - t_, most) ||
               (profile_.load.cycle() == 0 && missing_ > by_draws);
    }

    /// Of so many periods those before the one in which the work is done; false if that is among
    /// them. In units of the rate: a period does the work if its rate is above the budget.
    bool follow_whole(const ScaledRate& rate, std::int64_t count) {
        const Load& load = profile_.load;
        const auto period = static_cast<std::uint64_t>(load.period());
        const auto all = static_cast<std::int64_t>(
            std::min((missing_ - 1) / period, UnsignedWide{static_cast<std::uint64_t>(kUnlimited)})
        );
        const std::int64_t first = t_ / load.period();
        std::int64_t budget = all;
        std::int64_t longest = 0;
        std::int64_t k = first;
        for (; k < first + count; ++k) {
            const std::int64_t value = rate(load.in_period(k));
            if (value > budget) {
                break;
            }
            budget -= value;
            empty_ = value == 0 ? empty_ + 1 : 0;
            longest = std::max(longest, empty_);
        }
        if (longest >= kPatience) {
            empty_ = longest;
        }
        missing_ -= UnsignedWide{static_cast<std::uint64_t>(all - budget)} * period;
        t_ = k * load.period();
        draws_ += load.cycle() == 0 ? k - first : 0;
        if (draws_ >= kMostDraws) {
            t_ = kNever;
        }
        return k == first + count;
    }

    /// Where values come again and more than one cycle of them is left: all cycles but the last.
    void skip_cycles(const ScaledRate& rate, std::int64_t most, Nanoseconds end) {
        const Load& load = profile_.load;
        const std::int64_t cycle = load.cycle();
        if (cycle == 0 || load.period() > (end - t_) / cycle ||
            missing_ <= product(load.period(), most) * static_cast<std::uint64_t>(cycle)) {
            return;
        }
        UnsignedWide sum = 0; // above 0: the least load is among them
        for (std::int64_t k = 0; k < cycle; ++k) {
            sum += static_cast<std::uint64_t>(rate(load.in_period(k)));
        }
        sum *= static_cast<std::uint64_t>(load.period());
        const Nanoseconds length = cycle * load.period();
        const auto left = static_cast<std::uint64_t>((end - t_) / length);
        const UnsignedWide cycles = std::min((missing_ - 1) / sum, UnsignedWide{left});
        missing_ -= cycles * sum;
        t_ += static_cast<Nanoseconds>(cycles) * length;
    }

    const Profile& profile_;
    std::int64_t tokens_;
    StopCheck stop_;
    Nanoseconds t_;
    UnsignedWide missing_;   ///< > 0
    std::int64_t empty_ = 0; ///< periods on end that left nothing
    std::int64_t draws_ = 0;
    bool done_ = false;
    Nanoseconds end_ = kNever;
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
    const UnsignedWide duration = duration_of(scaled_work(work), rate);
    const auto left = static_cast<std::uint64_t>(kNever - start);
    return duration >= left ? kNever : start + static_cast<Nanoseconds>(duration);
}

} // namespace headroom::scheduler
