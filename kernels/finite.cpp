#include "kernels/finite.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace headroom::kernels {

namespace {

/// Returns the bits of |x|. As integers they have the order of the numbers; NaN is above infinity.
std::int32_t magnitude(float x) {
    return static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(x) & 0x7FFF'FFFFU);
}

/// Returns the number of elements that are NaN or whose magnitude exceeds that of `most`.
std::int32_t count_above(const float* x, std::size_t n, std::int32_t most) {
    std::int32_t above = 0;
    for (std::size_t i = 0; i < n; ++i) { // without a branch, so that the compiler vectorises it
        above += magnitude(x[i]) > most ? 1 : 0;
    }
    return above;
}

} // namespace

std::optional<std::size_t> first_not_finite(std::span<const float> x) {
    constexpr std::size_t kPiece = 4096;
    constexpr std::int32_t kLargest = 0x7F7F'FFFF;
    for (std::size_t first = 0; first < x.size(); first += kPiece) {
        const auto piece = x.subspan(first, std::min(kPiece, x.size() - first));
        if (count_above(piece.data(), piece.size(), kLargest) > 0) {
            const auto at = std::find_if(piece.begin(), piece.end(), [](float value) {
                return magnitude(value) > kLargest;
            });
            return first + static_cast<std::size_t>(at - piece.begin());
        }
    }
    return std::nullopt;
}

bool squares_fit(std::span<const float> x) {
    // The sum of a million squares of kSurely is below a quarter of the largest float.
    constexpr float kSurely = 9e15F;
    constexpr std::size_t kElements = 1'000'000;
    if (x.size() <= kElements &&
        count_above(x.data(), x.size(), std::bit_cast<std::int32_t>(kSurely)) == 0) {
        return true;
    }
    double sum = 0;
    for (const float value : x) {
        sum += static_cast<double>(value) * static_cast<double>(value);
    }
    return sum < 0.99 * static_cast<double>(std::numeric_limits<float>::max());
}

} // namespace headroom::kernels
