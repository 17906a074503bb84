// The kernel level `reference`: plain loops whose bits `avx2` and `avx512` reproduce. The other
// levels use some of these functions directly, where a plain loop is fast enough.
#pragma once

#include <cstdint>

#include "kernels/kernels.hpp"

namespace headroom::kernels::reference {

/// Returns the sum of 16 partial sums (lanes). Adds lane l + 8 to lane l for each l < 8, then in
/// the same way l + 4 for l < 4, l + 2 for l < 2, and lane 1 to lane 0.
[[nodiscard]] float tree_sum(const float* lanes);
/// Returns Σ a[k]·b[k]. Term k is added to lane k mod 16 by a fused multiply-add, by increasing k;
/// tree_sum() adds the lanes.
[[nodiscard]] float dot(const float* a, const float* b, std::int64_t n);

// The contracts of these functions are in kernels.hpp (struct Kernels).
void multiply(
    const Matrix& w,
    const float* x,
    std::int64_t x_stride,
    std::int64_t n,
    float* y,
    std::int64_t y_stride
);
void rms_norm(const float* x, const float* weight, float epsilon, std::int64_t width, float* y);
void rope(
    float* x, std::int64_t heads, std::int64_t head_width, const float* cosines, const float* sines
);
void attention(const Attention& attention);
void silu_gate(float* gate, const float* up, std::int64_t n);
void softmax(float* x, std::int64_t n);
void add(const float* a, const float* b, std::int64_t n, float* y);

extern const Kernels kKernels;

} // namespace headroom::kernels::reference
