// The kernel level `reference`, which consists of plain loops. The results of `avx2` and `avx512`
// have the same bits. The other levels use some of these functions directly, where a plain loop is
// fast enough.
#pragma once

#include <cstdint>

#include "kernels/kernels.hpp"

namespace headroom::kernels::reference {

/// Returns the sum of 16 partial sums (lanes). Adds lane l + 8 to lane l for each l < 8, then in
/// the same way l + 4 for l < 4, l + 2 for l < 2, and lane 1 to lane 0.
[[nodiscard]] float tree_sum(const float* lanes);
/// Returns Σ a[k]·b[k]. For k = 0, 1, 2, … a fused multiply-add adds a[k]·b[k] to lane k mod 16.
/// Then tree_sum() adds the lanes.
[[nodiscard]] float dot(const float* a, const float* b, std::int64_t n);

// kernels.hpp has the types of these functions, with their contracts.
Multiply multiply;
RmsNorm rms_norm;
Rope rope;
Rope rope_halves;
Attend attention;
Gate silu_gate;
Gate gelu_gate;
SoftCap softcap;
Softmax softmax;
Add add;

extern const Kernels kKernels;

} // namespace headroom::kernels::reference
