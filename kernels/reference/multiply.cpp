// Dot products and matrix times vectors as defined in docs/reference/arithmetic.md.
#include <algorithm>
#include <cmath>

#include "kernels/definition.hpp"
#include "kernels/expand/expand.hpp"
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

/// Σ weight(k) · x[k], for types without quantisation blocks.
template <WeightType kType>
float dot_elements(const std::byte* row, const float* x, std::int64_t n) {
    float lanes[kLanes] = {};
    for (std::int64_t start = 0; start < n; start += kLanes) {
        for (std::int64_t l = 0; l < kLanes; ++l) {
            // Past the end both factors are 0. The addition is still made: it turns a lane of
            // -0 into +0, in every level.
            const bool inside = start + l < n;
            const float left = inside ? Stored<kType>::at(row, start + l) : 0.0F;
            const float right = inside ? x[start + l] : 0.0F;
            lanes[l] = std::fma(left, right, lanes[l]);
        }
    }
    return tree_sum(lanes);
}

/// The same for rows of types that are expanded. A run has a multiple of 16 columns, so every
/// product is added to the lane to which a whole F32 row would add it.
template <WeightType kType>
float dot_expanded(const std::byte* row, const float* x, std::int64_t columns) {
    constexpr WeightFormat kFormat = kFormatOf<kType>;
    static_assert(kRunColumns % kFormat.elements == 0 && kFormat.elements % kLanes == 0);
    float weights[kRunColumns];
    float lanes[kLanes] = {};
    for (std::int64_t start = 0; start < columns; start += kRunColumns) {
        const std::int64_t now = std::min(kRunColumns, columns - start);
        expand(kType, row + start / kFormat.elements * kFormat.bytes, now, weights);
        for (std::int64_t i = 0; i < now; ++i) {
            lanes[i % kLanes] = std::fma(weights[i], x[start + i], lanes[i % kLanes]);
        }
    }
    return tree_sum(lanes);
}

/// The same for rows in blocks of 32 elements with one scale.
template <WeightType kType>
float dot_blocks(const std::byte* row, const float* x, std::int64_t columns) {
    static_assert(kFormatOf<kType>.elements == 2 * kLanes);
    float lanes[kLanes] = {};
    for (std::int64_t k = 0; k < columns; k += 2 * kLanes, row += kFormatOf<kType>.bytes) {
        const float scale = half_at(row);
        for (std::int64_t l = 0; l < kLanes; ++l) {
            const auto low = static_cast<float>(Stored<kType>::at(row, l));
            const auto high = static_cast<float>(Stored<kType>::at(row, l + kLanes));
            const float upper = high * x[k + kLanes + l];
            const float both = std::fma(low, x[k + l], upper);
            lanes[l] = std::fma(scale, both, lanes[l]);
        }
    }
    return tree_sum(lanes);
}

} // namespace

float dot(const float* a, const float* b, std::int64_t n) {
    return dot_elements<WeightType::f32>(reinterpret_cast<const std::byte*>(a), b, n);
}

void multiply(
    const Matrix& w,
    const float* x,
    std::int64_t x_stride,
    std::int64_t n,
    float* y,
    std::int64_t y_stride
) {
    const Bytes bytes = row_bytes(w.type, w.columns);
    visit_weight_type(w.type, [&]<WeightType kType>(std::integral_constant<WeightType, kType>) {
        const auto dot_row = [&](const std::byte* row, const float* token) {
            if constexpr (kFormatOf<kType>.elements == 1) {
                return dot_elements<kType>(row, token, w.columns);
            } else if constexpr (kExpanded<kType>) {
                return dot_expanded<kType>(row, token, w.columns);
            } else {
                return dot_blocks<kType>(row, token, w.columns);
            }
        };
        for (std::int64_t m = 0; m < w.rows; ++m) {
            for (std::int64_t t = 0; t < n; ++t) {
                y[t * y_stride + m] = dot_row(w.data + m * bytes, x + t * x_stride);
            }
        }
    });
}

} // namespace headroom::kernels::reference
