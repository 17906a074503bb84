// All arithmetic is in integers, with one rounding per rate and one per operation, so that ranks on
// different machines compute the same nanosecond.
#include "scheduler/rates/profile.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "scheduler/rates/scaled_rate.hpp"

namespace headroom::scheduler {

namespace {

/// Returns x reflected at 0 and at `span`, as often as needed, until it is in [0, span].
std::int64_t reflected(std::int64_t x, std::int64_t span) {
    const std::int64_t cycle = 2 * span;
    const std::int64_t in_cycle = ((x % cycle) + cycle) % cycle;
    return in_cycle <= span ? in_cycle : cycle - in_cycle;
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
    // Before the first step the load is 0.
    load.min_load_ = steps.empty() || steps.front().at > 0 ? 0 : kWhole;
    for (const Step& step : steps) {
        load.min_load_ = std::min(load.min_load_, step.value);
    }
    load.steps_ = std::move(steps);
    return load;
}

Load Load::random(Kind kind, Ppb low, Ppb high, Nanoseconds period) {
    HEADROOM_CHECK(low >= 0 && low <= high && high <= kWhole, "load from {} to {}", low, high);
    HEADROOM_CHECK(period > 0, "period {}", period);
    if (low == high) {
        return constant(low);
    }
    Load load;
    load.kind_ = kind;
    load.low_ = low;
    load.high_ = high;
    load.min_load_ = low;
    load.period_ = period;
    return load;
}

Load Load::uniform(Ppb low, Ppb high, Nanoseconds period, std::uint64_t stream) {
    Load load = random(Kind::uniform, low, high, period);
    load.stream_ = stream;
    return load;
}

Load Load::walk(Ppb low, Ppb high, Ppb step, Nanoseconds period, std::uint64_t stream) {
    HEADROOM_CHECK(step >= 0 && step <= kWhole, "step {}", step);
    Load load = random(Kind::table, low, high, period);
    if (low == high) {
        return load;
    }
    load.table_.resize(static_cast<std::size_t>(kWalkPeriods));
    const auto choices = static_cast<std::uint64_t>(2 * step + 1);
    Ppb value = low + (high - low) / 2;
    for (std::size_t k = 0; k < load.table_.size(); ++k) {
        load.table_[k] = value;
        const Ppb drawn = static_cast<Ppb>(random_below(stream, k, choices)) - step;
        value = low + reflected(value - low + drawn, high - low);
    }
    load.min_load_ = *std::min_element(load.table_.begin(), load.table_.end());
    return load;
}

ProfilePiece Load::at(Nanoseconds t) const {
    if (kind_ == Kind::steps) {
        const auto next = std::ranges::upper_bound(steps_, t, {}, &Step::at);
        return {
            next == steps_.begin() ? 0 : std::prev(next)->value,
            next == steps_.end() ? kNever : next->at};
    }
    const std::int64_t k = t / period_;
    return {value_in_period(k), after(k * period_, period_)};
}

bool Load::is_full_from(Nanoseconds t) const {
    if (kind_ != Kind::steps) {
        return min_load_ == kWhole; // a random load has its smallest value again and again
    }
    return at(t).value == kWhole && std::ranges::all_of(steps_, [t](const Step& s) {
               return s.at <= t || s.value == kWhole;
           });
}

ProfilePiece Profile::at(Nanoseconds t, std::int64_t tokens) const {
    if (unlimited()) {
        return {kUnlimited, kNever};
    }
    const ProfilePiece now = load.at(t);
    const Factors factors = factors_at(changes, t, tokens);
    return {scaled_value(*this, now.value, factors), std::min(now.until, factors.until)};
}

} // namespace headroom::scheduler
