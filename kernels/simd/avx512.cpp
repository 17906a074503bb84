// The avx512 level: the kernels of simd/ over Avx512 registers. Rope and addition are the
// reference's: they are a thousandth of a token's work.
#include "kernels/reference/reference.hpp"
#include "kernels/simd/attention.hpp"
#include "kernels/simd/lanes_avx512.hpp"
#include "kernels/simd/multiply.hpp"
#include "kernels/simd/pointwise.hpp"
#include "kernels/simd/simd.hpp"

namespace headroom::kernels::simd {

constexpr Kernels kAvx512Kernels{
    .level = Level::avx512,
    .multiply = multiply<Avx512>,
    .rms_norm = rms_norm<Avx512>,
    .rope = reference::rope,
    .rope_halves = reference::rope_halves,
    .attention = attention<Avx512>,
    .silu_gate = silu_gate<Avx512>,
    .gelu_gate = gelu_gate<Avx512>,
    .softcap = softcap<Avx512>,
    .softmax = softmax<Avx512>,
    .add = reference::add,
};

} // namespace headroom::kernels::simd
