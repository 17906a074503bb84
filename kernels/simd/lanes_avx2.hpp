// A vector of sixteen floats in two AVX registers, with the operations that the templates in simd/
// need. Only avx2.cpp includes this header.
#pragma once

#include <immintrin.h>

#include "kernels/simd/tree_sum.hpp"

namespace headroom::kernels::simd {

struct Avx2 {
    struct Vector {
        __m256 low;
        __m256 high;
    };
    /// Returns how many matrix rows a tile (see multiply.hpp) has if it has `vectors` input
    /// vectors. A tile has at most 4 sums, each in 2 of the 16 AVX registers, so 8 registers are
    /// left for the inputs and weights.
    static constexpr int rows_for(int vectors) { return 4 / vectors; }

    /// Returns a mask of 8 lanes whose first n have the sign bit set. n may be negative or above 8.
    static __m256i first(std::int64_t n) {
        const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lane);
    }

    static Vector zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
    static Vector all(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
    static Vector load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
    /// Loads the first n < 16 elements and sets the other lanes to 0.
    static Vector load_first(const float* p, std::int64_t n) {
        return {_mm256_maskload_ps(p, first(n)), _mm256_maskload_ps(p + 8, first(n - 8))};
    }
    static void store(float* p, Vector a) {
        _mm256_storeu_ps(p, a.low);
        _mm256_storeu_ps(p + 8, a.high);
    }
    static void store_first(float* p, Vector a, std::int64_t n) {
        _mm256_maskstore_ps(p, first(n), a.low);
        _mm256_maskstore_ps(p + 8, first(n - 8), a.high);
    }

    static Vector add(Vector a, Vector b) {
        return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
    }
    static Vector subtract(Vector a, Vector b) {
        return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
    }
    static Vector multiply(Vector a, Vector b) {
        return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
    }
    static Vector divide(Vector a, Vector b) {
        return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)};
    }
    /// Returns a·b + c with one rounding.
    static Vector fma(Vector a, Vector b, Vector c) {
        return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
    }
    /// Returns c − a·b with one rounding.
    static Vector minus_product(Vector a, Vector b, Vector c) {
        return {_mm256_fnmadd_ps(a.low, b.low, c.low), _mm256_fnmadd_ps(a.high, b.high, c.high)};
    }
    /// Returns, lane by lane, the larger of a and b, or b if either is NaN.
    static Vector larger(Vector a, Vector b) {
        return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
    }
    /// Returns, lane by lane, the smaller of a and b, or b if either is NaN.
    static Vector smaller(Vector a, Vector b) {
        return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)};
    }

    /// Converts the 16 signed bytes at p to floats.
    static Vector bytes(const std::byte* p) { return {floats(eight(p)), floats(eight(p + 8))}; }
    /// Converts the low nibble of each of the 16 bytes at p, minus 8, to a float.
    static Vector low_nibbles(const std::byte* p) { return minus_eight(sixteen(p)); }
    /// Converts the high nibble of each of the 16 bytes at p, minus 8, to a float.
    static Vector high_nibbles(const std::byte* p) {
        return minus_eight(_mm_srli_epi16(sixteen(p), 4));
    }
    /// Returns the binary16 at p in all lanes. Reads 8 bytes, of which it uses the first 2.
    static Vector half(const std::byte* p) {
        const __m128i bits = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
        const __m256 scale = _mm256_broadcastss_ps(_mm_cvtph_ps(bits));
        return {scale, scale};
    }

    /// Converts the 16 binary16 numbers at p to floats.
    static Vector halves(const std::byte* p) {
        return {_mm256_cvtph_ps(sixteen(p)), _mm256_cvtph_ps(sixteen(p + 16))};
    }
    /// Converts the first n < 16 binary16 numbers at p and sets the other lanes to 0.
    static Vector halves_first(const std::byte* p, std::int64_t n) {
        return halves(Padded(p, n).bytes);
    }
    /// Converts the 16 bfloat16 numbers at p to floats.
    static Vector bfloats(const std::byte* p) {
        return {widen(sixteen(p)), widen(sixteen(p + 16))};
    }
    /// Converts the first n < 16 bfloat16 numbers at p and sets the other lanes to 0.
    static Vector bfloats_first(const std::byte* p, std::int64_t n) {
        return bfloats(Padded(p, n).bytes);
    }

    /// Returns power · 2^n. `shifted` must be n + kExpRound (definition.hpp), and `zero_bits` must
    /// be kExpRoundBits, the bits of `shifted` if n is 0.
    static Vector scale_by_power(Vector power, Vector shifted, std::uint32_t zero_bits) {
        return {
            scale_eight(power.low, shifted.low, zero_bits),
            scale_eight(power.high, shifted.high, zero_bits),
        };
    }

    static float sum(Vector a) { return TreeSum<Avx2>::of(fold(a)); }
    /// Writes the sums of the four vectors to out[0..3].
    static void sum_four(Vector a, Vector b, Vector c, Vector d, float* out) {
        TreeSum<Avx2>::of_four(fold(a), fold(b), fold(c), fold(d), out);
    }
    static float root(float x) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); }

  private:
    /// A copy of n < 16 two-byte values, padded with zeros. AVX2 has no masked load of such values.
    struct Padded {
        std::byte bytes[32] = {};
        Padded(const std::byte* p, std::int64_t n) {
            for (std::int64_t i = 0; i < 2 * n; ++i) {
                bytes[i] = p[i];
            }
        }
    };
    static __m128i eight(const std::byte* p) {
        return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    }
    static __m128i sixteen(const std::byte* p) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    }
    static __m256 fold(Vector a) { return _mm256_add_ps(a.low, a.high); }
    /// Converts the first 8 of 16 signed bytes to floats.
    static __m256 floats(__m128i packed) {
        return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(packed));
    }
    /// Returns the low 4 bits of each byte, minus 8, as floats.
    static Vector minus_eight(__m128i nibbles) {
        const __m128i low = _mm_and_si128(nibbles, _mm_set1_epi8(15));
        const __m128i values = _mm_sub_epi8(low, _mm_set1_epi8(8));
        return {floats(values), floats(_mm_unpackhi_epi64(values, values))};
    }
    static __m256 widen(__m128i bits) {
        return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
    }
    static __m256 scale_eight(__m256 power, __m256 shifted, std::uint32_t zero_bits) {
        const __m256i zero = _mm256_set1_epi32(static_cast<int>(zero_bits));
        const __m256i bias = _mm256_set1_epi32(127);
        const __m256i n = _mm256_sub_epi32(_mm256_castps_si256(shifted), zero);
        const __m256i low = _mm256_srai_epi32(n, 1);
        const __m256i high = _mm256_sub_epi32(n, low);
        const __m256i first = _mm256_slli_epi32(_mm256_add_epi32(low, bias), 23);
        const __m256i second = _mm256_slli_epi32(_mm256_add_epi32(high, bias), 23);
        const __m256 once = _mm256_mul_ps(power, _mm256_castsi256_ps(first));
        return _mm256_mul_ps(once, _mm256_castsi256_ps(second));
    }
};

} // namespace headroom::kernels::simd
