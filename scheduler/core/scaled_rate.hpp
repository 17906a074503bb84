// Computes the value of a rate profile (profile.hpp) for a given load. ScaledRate prepares once
// what does not depend on the load; `finish` uses it for random loads, which change every period.
#pragma once

#include <cstdint>
#include <vector>

#include "base/int128.hpp"
#include "base/units.hpp"
#include "scheduler/core/profile.hpp"

namespace headroom::scheduler {

/// The factors of the changes (effects of scenario events) in force.
struct Factors {
    Ppb by_time = kWhole;       ///< factor of the latest change by time
    Ppb by_token = kWhole;      ///< factor of the latest change by token
    Nanoseconds until = kNever; ///< time of the next change by time
};

/// Returns the factors at time t for a turn that began after `tokens` sampled tokens.
[[nodiscard]] Factors factors_at(
    const std::vector<Change>& changes, Nanoseconds t, std::int64_t tokens
);

/// Returns floor(base · scale · (1 − load) · factors). Precondition: the profile is not unlimited.
[[nodiscard]] std::int64_t scaled_value(const Profile& profile, Ppb load, const Factors& factors);

/// Computes scaled_value for many loads under the same factors.
class ScaledRate {
  public:
    /// `profile` must outlive this object.
    ScaledRate(const Profile& profile, const Factors& factors);
    [[nodiscard]] std::int64_t operator()(Ppb load) const {
        if (numerator_ == 0) {
            return scaled_value(*profile_, load, factors_);
        }
        const UInt128 product =
            UInt128{numerator_ * static_cast<std::uint64_t>(kWhole - load)} * reciprocal_;
        return static_cast<std::int64_t>(product >> shift_);
    }

  private:
    const Profile* profile_;
    Factors factors_;
    /// The part of the numerator that does not depend on the load. If numerator_ is 0, the product
    /// is 0 or does not fit in 63 bits, and scaled_value computes the value.
    std::uint64_t numerator_ = 0;
    /// ⌊2^shift / denominator⌋ + 1. Multiplication by reciprocal_ replaces a division, which is
    /// much slower; the result is exact for products of up to 63 bits (Granlund and Montgomery,
    /// Division by invariant integers, 1994).
    std::uint64_t reciprocal_ = 0;
    int shift_ = 0;
};

} // namespace headroom::scheduler
