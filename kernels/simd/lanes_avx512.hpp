// A vector of sixteen floats in one AVX-512 register. The operations are those of Avx2, and
// lanes_avx2.hpp describes them. Only avx512.cpp includes this header.
#pragma once

#include <immintrin.h>

#include "kernels/simd/tree_sum.hpp"

namespace headroom::kernels::simd {

struct Avx512 {
    using Vector = __m512;
    /// Returns how many matrix rows a tile (see multiply.hpp) has. A tile has at most 4 input
    /// vectors. Its accumulators (at most 16), these inputs and one vector of weights therefore fit
    /// in the 32 registers.
    static constexpr int rows_for(int /*vectors*/) { return 4; }

    static __mmask16 first(std::int64_t n) { return static_cast<__mmask16>((1U << n) - 1U); }

    static Vector zero() { return _mm512_setzero_ps(); }
    static Vector all(float x) { return _mm512_set1_ps(x); }
    static Vector load(const float* p) { return _mm512_loadu_ps(p); }
    static Vector load_first(const float* p, std::int64_t n) {
        return _mm512_maskz_loadu_ps(first(n), p);
    }
    static void store(float* p, Vector a) { _mm512_storeu_ps(p, a); }
    static void store_first(float* p, Vector a, std::int64_t n) {
        _mm512_mask_storeu_ps(p, first(n), a);
    }

    static Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
    static Vector subtract(Vector a, Vector b) { return _mm512_sub_ps(a, b); }
    static Vector multiply(Vector a, Vector b) { return _mm512_mul_ps(a, b); }
    static Vector divide(Vector a, Vector b) { return _mm512_div_ps(a, b); }
    static Vector fma(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
    static Vector minus_product(Vector a, Vector b, Vector c) { return _mm512_fnmadd_ps(a, b, c); }
    static Vector larger(Vector a, Vector b) { return _mm512_max_ps(a, b); }
    static Vector smaller(Vector a, Vector b) { return _mm512_min_ps(a, b); }

    static Vector bytes(const std::byte* p) {
        const __m128i packed = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
        return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(packed));
    }
    static Vector low_nibbles(const std::byte* p) { return minus_eight(words(p)); }
    static Vector high_nibbles(const std::byte* p) {
        return minus_eight(_mm512_srli_epi32(words(p), 4));
    }
    static Vector half(const std::byte* p) {
        const __m128i bits = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
        return _mm512_broadcastss_ps(_mm_cvtph_ps(bits));
    }

    static Vector halves(const std::byte* p) { return _mm512_cvtph_ps(sixteen(p)); }
    static Vector halves_first(const std::byte* p, std::int64_t n) {
        return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first(n), p));
    }
    static Vector bfloats(const std::byte* p) { return widen(sixteen(p)); }
    static Vector bfloats_first(const std::byte* p, std::int64_t n) {
        return widen(_mm256_maskz_loadu_epi16(first(n), p));
    }

    static Vector scale_by_power(Vector power, Vector shifted, std::uint32_t zero_bits) {
        const __m512i zero = _mm512_set1_epi32(static_cast<int>(zero_bits));
        const __m512i bias = _mm512_set1_epi32(127);
        const __m512i n = _mm512_sub_epi32(_mm512_castps_si512(shifted), zero);
        const __m512i low = _mm512_srai_epi32(n, 1);
        const __m512i high = _mm512_sub_epi32(n, low);
        const __m512i first = _mm512_slli_epi32(_mm512_add_epi32(low, bias), 23);
        const __m512i second = _mm512_slli_epi32(_mm512_add_epi32(high, bias), 23);
        const Vector once = _mm512_mul_ps(power, _mm512_castsi512_ps(first));
        return _mm512_mul_ps(once, _mm512_castsi512_ps(second));
    }

    static float sum(Vector a) { return TreeSum<Avx512>::of(fold(a)); }
    static void sum_four(Vector a, Vector b, Vector c, Vector d, float* out) {
        TreeSum<Avx512>::of_four(fold(a), fold(b), fold(c), fold(d), out);
    }
    static float root(float x) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); }

  private:
    static __m512i words(const std::byte* p) {
        return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    }
    /// Returns the low 4 bits of each word, minus 8, as floats. One permute instruction looks up
    /// each result in a table of 16. The instruction ignores the upper bits of a word, so they need
    /// not be cleared.
    static Vector minus_eight(__m512i words) {
        const Vector values =
            _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7);
        return _mm512_permutexvar_ps(words, values);
    }
    static __m256i sixteen(const std::byte* p) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    }
    static Vector widen(__m256i bits) {
        return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
    }
    static __m256 fold(Vector a) {
        const __m256 upper = _mm512_extractf32x8_ps(a, 1);
        return _mm256_add_ps(_mm512_castps512_ps256(a), upper);
    }
};

} // namespace headroom::kernels::simd
