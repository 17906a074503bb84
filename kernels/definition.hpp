// Constants of the arithmetic that all kernel levels (implementations of the same functions, see
// kernels.hpp) share. This header must not define functions. Files compiled for different
// instruction sets include it, and the linker would keep only one copy of an inline function for
// all of them, maybe a copy that older CPUs cannot execute.
#pragma once

#include <cstdint>

namespace headroom::kernels {

inline constexpr std::int64_t kLanes = 16; ///< number of partial sums (lanes) of a dot product

/// Kernels expand weights of some types (kernels/expand) in runs of this many columns.
inline constexpr std::int64_t kRunColumns = 256;

/// The offset in bytes of the stored integers in a quantisation block of q8_0 or q4_0. The scale, a
/// binary16, comes before them.
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

// tanh(y) = E / (E + 2) with E = exp(2y) − 1. Beyond ±kTanhLimit, the float nearest to tanh is ±1.
inline constexpr float kTanhLimit = 10.0F;
// gelu(z) = z / (1 + exp(−kGeluScale · (z + kGeluCube·z³))), the tanh form of GELU: the scale is
// 2·√(2/π), because (1 + tanh(u)) / 2 = 1 / (1 + exp(−2u)).
inline constexpr float kGeluScale = 1.59576912160573071176F;
inline constexpr float kGeluCube = 0.044715F;

} // namespace headroom::kernels
