// Dot products and matrix times vectors as defined in kernels/README.md.
#include <cmath>

#include "kernels/definition.hpp"
#include "kernels/half.hpp"
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

float dot(const float* a, const float* b, std::int64_t n) {
    float lanes[kLanes] = {};
    for (std::int64_t start = 0; start < n; start += kLanes) {
        for (std::int64_t l = 0; l < kLanes; ++l) {
            // Past the end both factors are 0. The addition is still made: it turns a lane of
            // -0 into +0, in every level.
            const bool inside = start + l < n;
            const float left = inside ? a[start + l] : 0.0F;
            const float right = inside ? b[start + l] : 0.0F;
            lanes[l] = std::fma(left, right, lanes[l]);
        }
    }
    return tree_sum(lanes);
}

namespace {

float dot_q8_0(const std::byte* row, const float* x, std::int64_t columns) {
    float lanes[kLanes] = {};
    for (std::int64_t k = 0; k < columns; k += kQ8Elements, row += kQ8Bytes) {
        const float scale = half_at(row);
        for (std::int64_t l = 0; l < kLanes; ++l) {
            const auto low = static_cast<float>(static_cast<std::int8_t>(row[kQ8QuantsAt + l]));
            const auto high =
                static_cast<float>(static_cast<std::int8_t>(row[kQ8QuantsAt + kLanes + l]));
            const float upper = high * x[k + kLanes + l];
            const float both = std::fma(low, x[k + l], upper);
            lanes[l] = std::fma(scale, both, lanes[l]);
        }
    }
    return tree_sum(lanes);
}

} // namespace

void multiply(
    const Matrix& w,
    const float* x,
    std::int64_t x_stride,
    std::int64_t n,
    float* y,
    std::int64_t y_stride
) {
    const bool quantised = w.type == WeightType::q8_0;
    for (std::int64_t m = 0; m < w.rows; ++m) {
        for (std::int64_t t = 0; t < n; ++t) {
            const float* token = x + t * x_stride;
            float& out = y[t * y_stride + m];
            if (quantised) {
                const std::byte* row = w.data + m * (w.columns / kQ8Elements * kQ8Bytes);
                out = dot_q8_0(row, token, w.columns);
            } else {
                const auto* weights = reinterpret_cast<const float*>(w.data);
                out = dot(weights + m * w.columns, token, w.columns);
            }
        }
    }
}

} // namespace headroom::kernels::reference
