// A profile's rate as a function of its load, with scale and events prepared once for many loads.
#pragma once

#include <cstdint>
#include <vector>

#include "base/units.hpp"
#include "base/wide.hpp"
#include "scheduler/core/profile.hpp"

namespace headroom::scheduler {

/// The changes in force: one factor of the time events, one of the token events.
struct Factors {
    Ppb by_time = kWhole;
    Ppb by_token = kWhole;
    Nanoseconds until = kNever; ///< the next time event
};

[[nodiscard]] Factors factors_at(
    const std::vector<Change>& changes, Nanoseconds t, std::int64_t tokens
);

/// floor(base · scale · (kWhole − load) · factors): the value of a limited profile.
[[nodiscard]] std::int64_t scaled(const Profile& profile, Ppb load, const Factors& factors);

/// The same for many loads under the same factors. Where the numbers allow it, all that does not
/// depend on the load is multiplied and reduced once.
class ScaledRate {
  public:
    /// The profile must outlive it.
    ScaledRate(const Profile& profile, const Factors& factors);
    [[nodiscard]] std::int64_t operator()(Ppb load) const {
        if (over_ == 0) {
            return scaled(*profile_, load, factors_);
        }
        const UnsignedWide product =
            UnsignedWide{over_ * static_cast<std::uint64_t>(kWhole - load)} * reciprocal_;
        return static_cast<std::int64_t>(product >> shift_);
    }

  private:
    const Profile* profile_;
    Factors factors_;
    std::uint64_t over_ = 0; ///< 0: products do not fit 63 bits, or are 0
    /// ⌊2^shift / divisor⌋ + 1: a product instead of a division, which takes many times longer;
    /// exact for 63 bits (Granlund and Montgomery, Division by invariant integers, 1994).
    std::uint64_t reciprocal_ = 0;
    int shift_ = 0;
};

} // namespace headroom::scheduler
