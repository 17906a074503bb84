#include "kernels/exact_sum.hpp"

#include <cmath>

namespace headroom::kernels {

namespace {

constexpr double kScale = 0x1p36;
constexpr double kRange = 0x1p27;
static_assert(kScale == static_cast<double>(std::int64_t{1} << kExactSumBits));

/// A scaled F32 has 24 bits: from 2^24 on it is an integer. Below, adding 1.5 · 2^52 in double
/// leaves no place for a fraction.
double rounded(double scaled) {
    constexpr double kWhole = 0x1p24;
    constexpr double kRound = 0x1.8p52;
    return std::abs(scaled) < kWhole ? (scaled + kRound) - kRound : scaled;
}

} // namespace

double exact_sum_limit(std::int64_t terms) {
    return kRange / static_cast<double>(terms);
}

std::optional<std::int64_t> add_exactly(
    const float* x, std::int64_t n, std::int64_t terms, std::int64_t* sums
) {
    const double limit = exact_sum_limit(terms);
    for (std::int64_t i = 0; i < n; ++i) {
        const double value = x[i];
        if (!(std::abs(value) < limit)) { // NaN too
            return i;
        }
        sums[i] += static_cast<std::int64_t>(rounded(value * kScale));
    }
    return std::nullopt;
}

void merge_exactly(const std::int64_t* other, std::int64_t n, std::int64_t* sums) {
    for (std::int64_t i = 0; i < n; ++i) {
        sums[i] += other[i];
    }
}

void round_exact_sums(const std::int64_t* sums, std::int64_t n, float* y) {
    constexpr float kStep = 0x1p-36F;
    for (std::int64_t i = 0; i < n; ++i) {
        y[i] = static_cast<float>(sums[i]) * kStep; // the product is exact
    }
}

} // namespace headroom::kernels
