// The sum of 8 lanes (elements of a register) in the order of additions that
// docs/reference/arithmetic.md defines. All functions in simd/ are templates with Avx2 or Avx512 as
// an argument, because both avx2.cpp and avx512.cpp include them. Of a plain function the linker
// would keep only one copy, maybe one that the CPU cannot execute.
#pragma once

#include <cstddef>
#include <cstdint>
#include <immintrin.h>

namespace headroom::kernels::simd {

template <class Lanes>
struct TreeSum {
    /// Adds lane l + 4 to lane l for l < 4, then lane l + 2 to lane l for l < 2, then lane 1 to 0.
    static float of(__m256 a) {
        const __m128 four = fold(a);
        const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
    }
    /// Writes the sums of four vectors to out[0..3], by the same additions.
    static void of_four(__m256 a, __m256 b, __m256 c, __m256 d, float* out) {
        const __m128 ab_low = _mm_unpacklo_ps(fold(a), fold(b));  // a0 b0 a1 b1
        const __m128 ab_high = _mm_unpackhi_ps(fold(a), fold(b)); // a2 b2 a3 b3
        const __m128 cd_low = _mm_unpacklo_ps(fold(c), fold(d));
        const __m128 cd_high = _mm_unpackhi_ps(fold(c), fold(d));
        const __m128 ab = _mm_add_ps(ab_low, ab_high); // a0+a2 b0+b2 a1+a3 b1+b3
        const __m128 cd = _mm_add_ps(cd_low, cd_high);
        _mm_storeu_ps(out, _mm_add_ps(_mm_movelh_ps(ab, cd), _mm_movehl_ps(cd, ab)));
    }

  private:
    static __m128 fold(__m256 a) {
        return _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    }
};

} // namespace headroom::kernels::simd
