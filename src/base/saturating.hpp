// Sums and differences of 64-bit integers. A result that does not fit becomes the largest or the
// smallest integer. Numbers from files can be so large that a plain sum overflows, which would be
// undefined behaviour.
#pragma once

#include <cstdint>
#include <limits>

namespace headroom {

[[nodiscard]] constexpr std::int64_t saturating_sum(std::int64_t a, std::int64_t b) {
    std::int64_t sum = 0;
    if (!__builtin_add_overflow(a, b, &sum)) {
        return sum;
    }
    return a < 0 ? std::numeric_limits<std::int64_t>::min()
                 : std::numeric_limits<std::int64_t>::max();
}

[[nodiscard]] constexpr std::int64_t saturating_difference(std::int64_t a, std::int64_t b) {
    std::int64_t difference = 0;
    if (!__builtin_sub_overflow(a, b, &difference)) {
        return difference;
    }
    return a < 0 ? std::numeric_limits<std::int64_t>::min()
                 : std::numeric_limits<std::int64_t>::max();
}

constexpr void saturating_add(std::int64_t& sum, std::int64_t value) {
    sum = saturating_sum(sum, value);
}

} // namespace headroom
