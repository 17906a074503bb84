// Loads, profiles and `finish`. All of it is integer arithmetic with one rounding per rate and one
// per operation, so that two ranks on two machines come to the same nanosecond.
#include "scheduler/profile.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

#include "base/check.hpp"
#include "base/random.hpp"

namespace headroom::scheduler {

namespace {

__extension__ using Wide = unsigned __int128;

/// A finite value never grows into "unlimited".
constexpr std::uint64_t kLargestFinite = static_cast<std::uint64_t>(kUnlimited) - 1;

/// x folded back into [0, span] as often as it takes, as a ball between two walls.
std::int64_t reflected(std::int64_t x, std::int64_t span) {
    const std::int64_t cycle = 2 * span;
    const std::int64_t in_cycle = ((x % cycle) + cycle) % cycle;
    return in_cycle <= span ? in_cycle : cycle - in_cycle;
}

/// The changes in force: one factor of the time events, one of the token events.
struct Factors {
    Ppb by_time = kWhole;
    Ppb by_token = kWhole;
    Nanoseconds until = kNever; ///< the next time event
};

Factors factors_at(const std::vector<Change>& changes, Nanoseconds t, std::int64_t tokens) {
    Factors factors;
    Nanoseconds latest_time = -1;
    std::int64_t latest_token = -1;
    for (const Change& change : changes) {
        if (change.at > t) {
            factors.until = std::min(factors.until, change.at);
        } else if (change.at >= 0 && change.at >= latest_time) {
            latest_time = change.at;
            factors.by_time = change.factor;
        } else if (change.at < 0 && change.at_token <= tokens && change.at_token >= latest_token) {
            latest_token = change.at_token;
            factors.by_token = change.factor;
        }
    }
    return factors;
}

/// A product of fractions that is rounded down once, at the end.
struct Fractions {
    std::array<std::uint64_t, 5> over{1, 1, 1, 1, 1};
    std::array<std::uint64_t, 4> under{1, 1, 1, 1};

    /// Nothing if a product does not fit 128 bits.
    [[nodiscard]] std::optional<std::uint64_t> floor() const {
        Wide numerator = 1;
        Wide denominator = 1;
        bool overflow = false;
        for (const std::uint64_t factor : over) {
            overflow |= __builtin_mul_overflow(numerator, Wide{factor}, &numerator);
        }
        for (const std::uint64_t factor : under) {
            overflow |= __builtin_mul_overflow(denominator, Wide{factor}, &denominator);
        }
        if (overflow) {
            return std::nullopt;
        }
        return static_cast<std::uint64_t>(std::min(numerator / denominator, Wide{kLargestFinite}));
    }

    void reduce() {
        for (std::uint64_t& numerator : over) {
            for (std::uint64_t& denominator : under) {
                const std::uint64_t divisor = std::gcd(numerator, denominator);
                numerator /= divisor;
                denominator /= divisor;
            }
        }
    }

    /// For numbers that no exact product holds: absurd ones, but even they must not wrap around.
    [[nodiscard]] std::uint64_t rounded_floor() const {
        long double value = 1;
        for (const std::uint64_t factor : over) {
            value *= static_cast<long double>(factor);
        }
        for (const std::uint64_t factor : under) {
            value /= static_cast<long double>(factor);
        }
        return value < static_cast<long double>(kLargestFinite) ? static_cast<std::uint64_t>(value)
                                                                : kLargestFinite;
    }
};

std::uint64_t natural(std::int64_t value) {
    HEADROOM_CHECK(value >= 0, "a negative number in a profile: {}", value);
    return static_cast<std::uint64_t>(value);
}

/// floor(base · scale · (kWhole − load) · factors): the value of a limited profile.
std::int64_t value_of(const Profile& profile, Ppb load, const Factors& factors) {
    if (load == 0 && factors.by_time == kWhole && factors.by_token == kWhole &&
        profile.scale.numerator == profile.scale.denominator) {
        return profile.base;
    }
    HEADROOM_CHECK(profile.scale.denominator > 0, "scale over {}", profile.scale.denominator);
    Fractions product;
    product.over[0] = natural(profile.base);
    product.over[1] = natural(profile.scale.numerator);
    product.under[0] = natural(profile.scale.denominator);
    const std::array<Ppb, 3> parts{kWhole - load, factors.by_time, factors.by_token};
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (parts[i] != kWhole) {
            product.over[i + 2] = natural(parts[i]);
            product.under[i + 1] = static_cast<std::uint64_t>(kWhole);
        }
    }
    std::optional<std::uint64_t> value = product.floor();
    if (!value) {
        product.reduce();
        value = product.floor();
    }
    return static_cast<std::int64_t>(value ? *value : product.rounded_floor());
}

/// The value is 0 at t: the first time at which it may be otherwise (kNever: it stays 0).
Nanoseconds next_chance(
    const Profile& profile, Nanoseconds t, std::int64_t tokens, Nanoseconds segment_end
) {
    if (profile.load.full_from(t)) {
        return kNever;
    }
    const Factors factors = factors_at(profile.changes, t, tokens);
    return value_of(profile, profile.load.least(), factors) == 0 ? factors.until : segment_end;
}

/// ⌈work / rate⌉ in nanoseconds for work in units · ns per second; rate > 0.
Wide duration_of(Wide work, std::int64_t rate) {
    const auto divisor = static_cast<std::uint64_t>(rate);
    if (const auto small = static_cast<std::uint64_t>(work); small == work) {
        return small / divisor + (small % divisor != 0 ? 1 : 0); // many times faster than 128 bits
    }
    return (work + divisor - 1) / divisor;
}

} // namespace

Load Load::constant(Ppb value) {
    return steps({{0, value}});
}

Load Load::steps(std::vector<Step> steps) {
    Load load;
    Nanoseconds before = -1;
    for (const Step& step : steps) {
        HEADROOM_CHECK(step.at > before, "load step at {} after {}", step.at, before);
        HEADROOM_CHECK(step.value >= 0 && step.value <= kWhole, "load {}", step.value);
        before = step.at;
    }
    // Before the first step the load is 0; behind it no time has less than the least step.
    load.least_ = steps.empty() || steps.front().at > 0 ? 0 : kWhole;
    for (const Step& step : steps) {
        load.least_ = std::min(load.least_, step.value);
    }
    load.steps_ = std::move(steps);
    return load;
}

Load Load::uniform(Ppb low, Ppb high, Nanoseconds period, std::uint64_t stream) {
    HEADROOM_CHECK(low >= 0 && low <= high && high <= kWhole, "load from {} to {}", low, high);
    HEADROOM_CHECK(period > 0, "period {}", period);
    if (low == high) {
        return constant(low);
    }
    Load load;
    load.kind_ = Kind::uniform;
    load.low_ = low;
    load.high_ = high;
    load.least_ = low;
    load.period_ = period;
    load.stream_ = stream;
    return load;
}

Load Load::walk(Ppb low, Ppb high, Ppb step, Nanoseconds period, std::uint64_t stream) {
    HEADROOM_CHECK(low >= 0 && low <= high && high <= kWhole, "load from {} to {}", low, high);
    HEADROOM_CHECK(step >= 0 && step <= kWhole && period > 0, "step {}, period {}", step, period);
    if (low == high) {
        return constant(low);
    }
    Load load;
    load.kind_ = Kind::table;
    load.low_ = low;
    load.high_ = high;
    load.period_ = period;
    load.table_.resize(static_cast<std::size_t>(kWalkPeriods));
    const auto choices = static_cast<std::uint64_t>(2 * step + 1);
    Ppb value = low + (high - low) / 2;
    for (std::size_t k = 0; k < load.table_.size(); ++k) {
        load.table_[k] = value;
        const Ppb drawn = static_cast<Ppb>(random_below(stream, k, choices)) - step;
        value = low + reflected(value - low + drawn, high - low);
    }
    load.least_ = *std::min_element(load.table_.begin(), load.table_.end());
    return load;
}

Segment Load::at(Nanoseconds t) const {
    if (kind_ == Kind::steps) {
        const auto next =
            std::upper_bound(steps_.begin(), steps_.end(), t, [](Nanoseconds x, const Step& s) {
                return x < s.at;
            });
        return {
            next == steps_.begin() ? 0 : std::prev(next)->value,
            next == steps_.end() ? kNever : next->at};
    }
    const std::int64_t k = t / period_;
    const Nanoseconds until = after(k * period_, period_);
    if (kind_ == Kind::uniform) {
        const auto choices = static_cast<std::uint64_t>(high_ - low_ + 1);
        const std::uint64_t drawn = random_below(stream_, static_cast<std::uint64_t>(k), choices);
        return {low_ + static_cast<Ppb>(drawn), until};
    }
    const std::int64_t in_cycle = k % (2 * kWalkPeriods);
    const std::int64_t row = in_cycle < kWalkPeriods ? in_cycle : 2 * kWalkPeriods - 1 - in_cycle;
    return {table_[static_cast<std::size_t>(row)], until};
}

bool Load::full_from(Nanoseconds t) const {
    if (kind_ != Kind::steps) {
        return least_ == kWhole; // random loads come back to their least again and again
    }
    return at(t).value == kWhole && std::all_of(steps_.begin(), steps_.end(), [t](const Step& s) {
               return s.at <= t || s.value == kWhole;
           });
}

Segment Profile::at(Nanoseconds t, std::int64_t tokens) const {
    if (unlimited()) {
        return {kUnlimited, kNever};
    }
    const Segment now = load.at(t);
    const Factors factors = factors_at(changes, t, tokens);
    return {value_of(*this, now.value, factors), std::min(now.until, factors.until)};
}

Nanoseconds finish(
    const Profile& profile, Nanoseconds start, std::int64_t work, std::int64_t tokens
) {
    HEADROOM_CHECK(start >= 0 && work >= 0, "work {} from {}", work, start);
    if (work == 0 || profile.unlimited()) {
        return start;
    }
    Wide missing = Wide{static_cast<std::uint64_t>(work)} * static_cast<std::uint64_t>(kSecond);
    std::int64_t empty_periods = 0;
    Nanoseconds t = start;
    while (t != kNever && empty_periods < kPatience) {
        const Segment now = profile.at(t, tokens);
        if (now.value == 0) {
            ++empty_periods;
            t = next_chance(profile, t, tokens, now.until);
            continue;
        }
        empty_periods = 0;
        const auto span = static_cast<std::uint64_t>(now.until - t);
        const Wide done = Wide{span} * static_cast<std::uint64_t>(now.value);
        if (done >= missing) {
            return t + static_cast<Nanoseconds>(duration_of(missing, now.value));
        }
        missing -= done;
        t = now.until;
    }
    return kNever;
}

Nanoseconds finish(PerSecond rate, Nanoseconds start, std::int64_t work) {
    HEADROOM_CHECK(start >= 0 && work >= 0 && rate >= 0, "work {} at {}", work, rate);
    if (work == 0 || rate == kUnlimited) {
        return start;
    }
    if (rate == 0) {
        return kNever;
    }
    const Wide total = Wide{static_cast<std::uint64_t>(work)} * static_cast<std::uint64_t>(kSecond);
    const Wide duration = duration_of(total, rate);
    const auto left = static_cast<std::uint64_t>(kNever - start);
    return duration >= left ? kNever : start + static_cast<Nanoseconds>(duration);
}

} // namespace headroom::scheduler
