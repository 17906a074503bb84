#include "scheduler/rates/scaled_rate.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <optional>
#include <utility>

#include "base/check.hpp"
#include "base/int128.hpp"

namespace headroom::scheduler {

namespace {

/// The largest value that is not kUnlimited.
constexpr std::uint64_t kMaxFinite = static_cast<std::uint64_t>(kUnlimited) - 1;

/// A product of fractions that is rounded down once.
struct Fractions {
    std::array<std::uint64_t, 5> numerators{1, 1, 1, 1, 1};
    std::array<std::uint64_t, 4> denominators{1, 1, 1, 1};

    /// Returns the products of the numerators and of the denominators; nullopt if one exceeds T.
    template <class T>
    [[nodiscard]] std::optional<std::pair<T, T>> products() const {
        std::pair<T, T> product{1, 1};
        bool overflow = false;
        for (const std::uint64_t factor : numerators) {
            overflow |= __builtin_mul_overflow(product.first, T{factor}, &product.first);
        }
        for (const std::uint64_t factor : denominators) {
            overflow |= __builtin_mul_overflow(product.second, T{factor}, &product.second);
        }
        return overflow ? std::nullopt : std::optional(product);
    }

    /// Returns the product rounded down, or nullopt if an intermediate result exceeds 128 bits.
    [[nodiscard]] std::optional<std::uint64_t> floor() const {
        const auto product = products<UInt128>();
        if (!product) {
            return std::nullopt;
        }
        const UInt128 value = product->first / product->second;
        return static_cast<std::uint64_t>(std::min(value, UInt128{kMaxFinite}));
    }

    void reduce() {
        for (std::uint64_t& numerator : numerators) {
            for (std::uint64_t& denominator : denominators) {
                const std::uint64_t divisor = std::gcd(numerator, denominator);
                numerator /= divisor;
                denominator /= divisor;
            }
        }
    }

    /// Returns an approximation for numbers whose exact product does not fit in 128 bits.
    [[nodiscard]] std::uint64_t rounded_floor() const {
        long double value = 1;
        for (const std::uint64_t factor : numerators) {
            value *= static_cast<long double>(factor);
        }
        for (const std::uint64_t factor : denominators) {
            value /= static_cast<long double>(factor);
        }
        return value < static_cast<long double>(kMaxFinite) ? static_cast<std::uint64_t>(value)
                                                            : kMaxFinite;
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

std::int64_t scaled_value(const Profile& profile, Ppb load, const Factors& factors) {
    if (load == 0 && factors.by_time == kWhole && factors.by_token == kWhole &&
        profile.scale.numerator == profile.scale.denominator) {
        return profile.base;
    }
    HEADROOM_CHECK(profile.scale.denominator > 0, "scale over {}", profile.scale.denominator);
    Fractions product;
    product.numerators[0] = natural(profile.base);
    product.numerators[1] = natural(profile.scale.numerator);
    product.denominators[0] = natural(profile.scale.denominator);
    const std::array<Ppb, 3> parts{kWhole - load, factors.by_time, factors.by_token};
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (parts[i] != kWhole) {
            product.numerators[i + 2] = natural(parts[i]);
            product.denominators[i + 1] = static_cast<std::uint64_t>(kWhole);
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
    product.numerators = {
        natural(profile.base),
        natural(profile.scale.numerator),
        natural(factors.by_time),
        natural(factors.by_token),
        1};
    product.denominators = {
        natural(profile.scale.denominator), kOne, kOne, kOne}; // one kOne belongs to the load
    product.reduce();
    // The value at a load of 0 must not exceed kMaxFinite.
    constexpr std::uint64_t kMaxNumerator = kMaxFinite / kOne;
    const auto both = product.products<std::uint64_t>();
    if (both && both->first <= kMaxNumerator && both->second <= kMaxFinite) {
        const std::uint64_t denominator = both->second;
        numerator_ = both->first;
        shift_ = 63 + static_cast<int>(std::bit_width(denominator - 1)); // 63 + ⌈log2⌉
        reciprocal_ = static_cast<std::uint64_t>((UInt128{1} << shift_) / denominator) + 1;
    }
}

} // namespace headroom::scheduler
