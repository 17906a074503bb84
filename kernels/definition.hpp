// Numbers that are part of the definition of the arithmetic and that all levels share. Constants
// only: this header is compiled with several instruction sets, and a function in it could leave an
// AVX-512 copy behind for everybody.
#pragma once

#include <cstdint>

namespace headroom::kernels {

inline constexpr std::int64_t kLanes = 16; ///< partial sums per dot product

// Q8_0, ggml's layout: a binary16 scale, then 32 signed bytes.
inline constexpr std::int64_t kQ8Elements = 32;
inline constexpr std::int64_t kQ8Bytes = 34;
inline constexpr std::int64_t kQ8QuantsAt = 2;

// Q4_0, ggml's layout: a binary16 scale, then 16 bytes of two nibbles, each the value plus 8.
inline constexpr std::int64_t kQ4Elements = 32;
inline constexpr std::int64_t kQ4Bytes = 18;
inline constexpr std::int64_t kQ4QuantsAt = 2;
inline constexpr int kQ4Offset = 8;

// exp(x) = 2^n · e^r, n = round(x · log2 e), |r| ≤ ln(2)/2; e^r = 1 + r + r²·p(r) with the
// polynomial of Cephes' expf, highest power first. ln 2 is kExpLn2High + kExpLn2Low; the high part
// has 9 bits, so that n times it is exact.
inline constexpr float kExpLow = -104.5F; ///< below, the result is 0
inline constexpr float kExpHigh = 89.0F;  ///< above, the result is infinite
inline constexpr float kExpLog2E = 1.44269504088896341F;
inline constexpr float kExpLn2High = 0.693359375F;
inline constexpr float kExpLn2Low = -2.12194440E-4F;
/// 1.5 · 2²³: adding it rounds to an integer, which then stands in the low bits.
inline constexpr float kExpRound = 12582912.0F;
inline constexpr std::uint32_t kExpRoundBits = 0x4B400000U;
inline constexpr float kExpPolynomial[] = {
    1.9875691500E-4F,
    1.3981999507E-3F,
    8.3334519073E-3F,
    4.1665795894E-2F,
    1.6666665459E-1F,
    5.0000001201E-1F,
};

} // namespace headroom::kernels
