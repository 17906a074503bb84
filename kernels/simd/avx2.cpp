// The avx2 level: the kernels of simd/ over Avx2 registers. Rope and addition are the reference's:
// they are a thousandth of a token's work.
#include "kernels/reference/reference.hpp"
#include "kernels/simd/attention.hpp"
#include "kernels/simd/lanes_avx2.hpp"
#include "kernels/simd/multiply.hpp"
#include "kernels/simd/pointwise.hpp"
#include "kernels/simd/simd.hpp"

namespace headroom::kernels::simd {

constexpr Kernels kAvx2Kernels{
    .level = Level::avx2,
    .multiply = multiply<Avx2>,
    .rms_norm = rms_norm<Avx2>,
    .rope = reference::rope,
    .rope_halves = reference::rope_halves,
    .attention = attention<Avx2>,
    .silu_gate = silu_gate<Avx2>,
    .gelu_gate = gelu_gate<Avx2>,
    .softcap = softcap<Avx2>,
    .softmax = softmax<Avx2>,
    .add = reference::add,
};

} // namespace headroom::kernels::simd
