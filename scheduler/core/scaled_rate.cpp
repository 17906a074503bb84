// One rounding per rate, whatever is multiplied.
#include "scheduler/core/scaled_rate.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <optional>

#include "base/check.hpp"
#include "base/wide.hpp"

namespace headroom::scheduler {

namespace {

/// A finite value never grows into "unlimited".
constexpr std::uint64_t kLargestFinite = static_cast<std::uint64_t>(kUnlimited) - 1;

/// A product of fractions that is rounded down once, at the end.
struct Fractions {
    std::array<std::uint64_t, 5> over{1, 1, 1, 1, 1};
    std::array<std::uint64_t, 4> under{1, 1, 1, 1};

    /// Nothing if a product does not fit 128 bits.
    [[nodiscard]] std::optional<std::uint64_t> floor() const {
        UnsignedWide numerator = 1;
        UnsignedWide denominator = 1;
        bool overflow = false;
        for (const std::uint64_t factor : over) {
            overflow |= __builtin_mul_overflow(numerator, UnsignedWide{factor}, &numerator);
        }
        for (const std::uint64_t factor : under) {
            overflow |= __builtin_mul_overflow(denominator, UnsignedWide{factor}, &denominator);
        }
        if (overflow) {
            return std::nullopt;
        }
        return static_cast<std::uint64_t>(
            std::min(numerator / denominator, UnsignedWide{kLargestFinite})
        );
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

} // namespace

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

std::int64_t scaled(const Profile& profile, Ppb load, const Factors& factors) {
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

ScaledRate::ScaledRate(const Profile& profile, const Factors& factors)
    : profile_(&profile), factors_(factors) {
    HEADROOM_CHECK(profile.scale.denominator > 0, "scale over {}", profile.scale.denominator);
    constexpr auto kOne = static_cast<std::uint64_t>(kWhole);
    Fractions product;
    product.over = {
        natural(profile.base),
        natural(profile.scale.numerator),
        natural(factors.by_time),
        natural(factors.by_token),
        1};
    product.under = {natural(profile.scale.denominator), kOne, kOne, kOne}; // one is the load's
    product.reduce();
    std::uint64_t over = 1;
    std::uint64_t under = 1;
    bool overflow = false;
    for (const std::uint64_t factor : product.over) {
        overflow |= __builtin_mul_overflow(over, factor, &over);
    }
    for (const std::uint64_t factor : product.under) {
        overflow |= __builtin_mul_overflow(under, factor, &under);
    }
    // The largest value, where nothing is used by others, must be finite too.
    constexpr std::uint64_t kMost = kLargestFinite / kOne;
    if (!overflow && over <= kMost && under <= kLargestFinite) {
        over_ = over;
        shift_ = 63 + static_cast<int>(std::bit_width(under - 1)); // 63 + ⌈log2⌉
        reciprocal_ = static_cast<std::uint64_t>((UnsignedWide{1} << shift_) / under) + 1;
    }
}

} // namespace headroom::scheduler
