// Constants of the arithmetic that all kernel levels (implementations of the same functions, see
// kernels.hpp) share. This header must not define functions. Files compiled for different
// instruction sets include it, and the linker would keep only one copy of an inline function for
// all of them, maybe a copy that older CPUs cannot execute.
#pragma once

#include <cstdint>

namespace headroom::kernels {

inline constexpr std::int64_t kLanes = 16; ///< number of partial sums (lanes) of a dot product

/// The offset in bytes of the stored integers in a quantisation block. The scale, a binary16, comes
/// before them.
inline constexpr std::int64_t kQuantsAt = 2;

// exp(x) = 2^n · e^r with n = round(x · log2 e), r = x − n·ln 2 and |r| ≤ ln(2)/2. e^r = 1 + r +
// r²·p(r), where p is the polynomial of Cephes' expf. ln 2 = kExpLn2High + kExpLn2Low. The high
// part has only 9 bits, so that n·kExpLn2High is exact.
inline constexpr float kExpLow = -104.5F; ///< below this x the result is 0
inline constexpr float kExpHigh = 89.0F;  ///< above this x the result is infinite
inline constexpr float kExpLog2E = 1.44269504088896341F;
inline constexpr float kExpLn2High = 0.693359375F;
inline constexpr float kExpLn2Low = -2.12194440E-4F;
/// 1.5 · 2²³. Adding this number to a float x with |x| < 2²² rounds x to an integer n. The bits of
/// the sum are then kExpRoundBits + n.
inline constexpr float kExpRound = 12582912.0F;
inline constexpr std::uint32_t kExpRoundBits = 0x4B400000U;
/// The coefficients of p, the highest power first.
inline constexpr float kExpPolynomial[] = {
    1.9875691500E-4F,
    1.3981999507E-3F,
    8.3334519073E-3F,
    4.1665795894E-2F,
    1.6666665459E-1F,
    5.0000001201E-1F,
};

} // namespace headroom::kernels
