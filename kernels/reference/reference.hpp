// The reference level: plain loops that define what every own level computes, bit for bit. Also
// the pieces that are fast enough as they are, so that the other levels take them from here.
#pragma once

#include <cstdint>

#include "kernels/kernels.hpp"

namespace headroom::kernels::reference {

/// 16 partial sums → one: lanes l and l + 8 are added, then l and l + 4, l + 2, l + 1.
[[nodiscard]] float tree_sum(const float* lanes);
/// Σ a[k]·b[k]: lane k mod 16 takes term k by a fused multiply-add, in increasing k.
[[nodiscard]] float dot(const float* a, const float* b, std::int64_t n);

// Contracts: kernels.hpp.
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
