// Dot products and matrix times vectors as defined in docs/reference/arithmetic.md.
#include <cmath>
#include <limits>

#include "kernels/definition.hpp"
#include "kernels/quants.hpp"
#include "kernels/reference/reference.hpp"

namespace headroom::kernels::reference {

float tree_sum(const float* lanes) {
    float sums[kLanes / 2];
    for (std::int64_t l = 0; l < kLanes / 2; ++l) {
        sums[l] = lanes[l] + lanes[l + kLanes / 2];
    }
    for (std::int64_t half = kLanes / 4; half >= 1; half /= 2) {
        for (std::int64_t l = 0; l < half; ++l) {
            sums[l] += sums[l + half];
        }
    }
    return sums[0];
}

namespace {

/// Σ weight(k) · x[k]: the sum of F32, F16 and BF16 rows.
template <class Weight>
float dot_elements(const Weight& weight, const float* x, std::int64_t n) {
    float lanes[kLanes] = {};
    for (std::int64_t start = 0; start < n; start += kLanes) {
        for (std::int64_t l = 0; l < kLanes; ++l) {
            // Past the end both factors are 0. The addition is still made: it turns a lane of
            // -0 into +0, in every level.
            const bool inside = start + l < n;
            const float left = inside ? weight(start + l) : 0.0F;
            const float right = inside ? x[start + l] : 0.0F;
            lanes[l] = std::fma(left, right, lanes[l]);
        }
    }
    return tree_sum(lanes);
}

/// Rows in blocks of 32 with one scale, Q8_0 and Q4_0: `quant(block, i)` is element i of a block
/// as an integer.
template <std::int64_t kBytes, class Quant>
float dot_blocks(const std::byte* row, const Quant& quant, const float* x, std::int64_t columns) {
    constexpr std::int64_t kElements = 2 * kLanes;
    float lanes[kLanes] = {};
    for (std::int64_t k = 0; k < columns; k += kElements, row += kBytes) {
        const float scale = half_at(row);
        for (std::int64_t l = 0; l < kLanes; ++l) {
            const auto low = static_cast<float>(quant(row, l));
            const auto high = static_cast<float>(quant(row, l + kLanes));
            const float upper = high * x[k + kLanes + l];
            const float both = std::fma(low, x[k + l], upper);
            lanes[l] = std::fma(scale, both, lanes[l]);
        }
    }
    return tree_sum(lanes);
}

float dot_row(WeightType type, const std::byte* row, const float* x, std::int64_t columns) {
    switch (type) {
    case WeightType::f32:
        return dot(reinterpret_cast<const float*>(row), x, columns);
    case WeightType::f16:
        return dot_elements([row](std::int64_t k) { return half_at(row + 2 * k); }, x, columns);
    case WeightType::bf16:
        return dot_elements([row](std::int64_t k) { return bfloat_at(row + 2 * k); }, x, columns);
    case WeightType::q8_0:
        return dot_blocks<kQ8Bytes>(row, q8_0_at, x, columns);
    case WeightType::q4_0:
        return dot_blocks<kQ4Bytes>(row, q4_0_at, x, columns);
    }
    return std::numeric_limits<float>::quiet_NaN(); // no such type: kernels check nothing
}

} // namespace

float dot(const float* a, const float* b, std::int64_t n) {
    return dot_elements([a](std::int64_t k) { return a[k]; }, b, n);
}

void multiply(
    const Matrix& w,
    const float* x,
    std::int64_t x_stride,
    std::int64_t n,
    float* y,
    std::int64_t y_stride
) {
    const std::int64_t row_bytes = stored_row_bytes(w.type, w.columns);
    for (std::int64_t m = 0; m < w.rows; ++m) {
        for (std::int64_t t = 0; t < n; ++t) {
            y[t * y_stride + m] =
                dot_row(w.type, w.data + m * row_bytes, x + t * x_stride, w.columns);
        }
    }
}

} // namespace headroom::kernels::reference
