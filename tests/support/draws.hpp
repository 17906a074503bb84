// Draws from a stream of random numbers, for the generators of tests.
#pragma once

#include <cmath>
#include <cstdint>
#include <iterator>

#include "base/random.hpp"

namespace headroom::support {

/// Returns true once in n draws on average.
[[nodiscard]] inline bool one_in(Random& random, std::uint64_t n) {
    return random.below(n) == 0;
}

/// Returns an integer from `low` to `high`, both included.
[[nodiscard]] inline std::int64_t between(Random& random, std::int64_t low, std::int64_t high) {
    return low +
           static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(high - low + 1)));
}

/// Returns an element of a list that is not empty.
template <class List>
[[nodiscard]] const auto& any_of(Random& random, const List& list) {
    return list[random.below(std::size(list))];
}

/// Returns a log-uniform integer, rounded so that the last bits of the logarithm do not matter.
[[nodiscard]] inline std::int64_t log_between(Random& random, double low, double high) {
    const double drawn = low * std::exp2(random.unit() * std::log2(high / low));
    const double unit = std::exp2(std::floor(std::log2(drawn)) - 6);
    return static_cast<std::int64_t>(std::round(std::round(drawn / unit) * unit));
}

} // namespace headroom::support
