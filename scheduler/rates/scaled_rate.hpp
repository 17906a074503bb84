// Computes the value of a Profile (profile.hpp) for a given load. For random loads, which change in
// every period, `finish` uses ScaledRate, which prepares once what does not depend on the load.
#pragma once

#include <cstdint>
#include <vector>

#include "base/int128.hpp"
#include "base/units.hpp"
#include "scheduler/rates/profile.hpp"

namespace headroom::scheduler {

/// The factors of the changes (effects of scenario events) that are in force at one time.
struct Factors {
    Ppb by_time = kWhole;       ///< factor of the latest change by time
    Ppb by_token = kWhole;      ///< factor of the latest change by token
    Nanoseconds until = kNever; ///< the time at which by_time changes next
};

/// Returns the factors at time t in a turn (forward pass) that began after `tokens` sampled tokens.
[[nodiscard]] Factors factors_at(
    const std::vector<Change>& changes, Nanoseconds t, std::int64_t tokens
);

/// Returns floor(base · scale · (1 − load) · factors). Precondition: the profile is not unlimited.
[[nodiscard]] std::int64_t scaled_value(const Profile& profile, Ppb load, const Factors& factors);

/// Computes scaled_value fast for many loads with the same profile and factors.
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
    /// operator() returns a fraction, rounded down. The numerator of this fraction is numerator_ ·
    /// (kWhole − load). A numerator_ of 0 means that this product is always 0 or may not fit in 63
    /// bits; then scaled_value computes the value.
    std::uint64_t numerator_ = 0;
    /// ⌊2^shift / denominator⌋ + 1, for the denominator of the same fraction. Multiplication by
    /// reciprocal_ replaces a division, which is much slower. The result is exact for numerators of
    /// up to 63 bits (Granlund and Montgomery, Division by invariant integers, 1994).
    std::uint64_t reciprocal_ = 0;
    int shift_ = 0;
};

} // namespace headroom::scheduler
