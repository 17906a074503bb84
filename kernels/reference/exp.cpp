// The own exp and tanh, softmax, the gates of gated FFNs and the soft cap.
#include <bit>
#include <cmath>

#include "kernels/definition.hpp"
#include "kernels/reference/reference.hpp"

namespace headroom::kernels {

namespace {

/// exp(x) = 2^n · (1 + fraction).
struct ExpParts {
    float fraction;
    std::int32_t n;
};

ExpParts exp_parts(float x) {
    const float shifted = std::fma(x, kExpLog2E, kExpRound);
    const float whole = shifted - kExpRound;
    float r = std::fma(-whole, kExpLn2High, x);
    r = std::fma(-whole, kExpLn2Low, r);
    float p = kExpPolynomial[0];
    for (int i = 1; i < 6; ++i) {
        p = std::fma(p, r, kExpPolynomial[i]);
    }
    const auto n = static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(shifted) - kExpRoundBits);
    return {std::fma(p, r * r, r), n};
}

/// Returns power · 2^n in two factors: n goes from -151 to 128 and a subnormal result must be
/// rounded once.
float scale_by_power(float power, std::int32_t n) {
    const std::int32_t half = n >> 1;
    const auto two_to = [](std::int32_t exponent) {
        return std::bit_cast<float>((static_cast<std::uint32_t>(exponent) + 127U) << 23);
    };
    return power * two_to(half) * two_to(n - half);
}

} // namespace

float portable_exp(float x) {
    // Written so that NaN passes both comparisons and comes out as NaN.
    x = x < kExpLow ? kExpLow : x;
    x = x > kExpHigh ? kExpHigh : x;
    const ExpParts parts = exp_parts(x);
    return scale_by_power(parts.fraction + 1.0F, parts.n);
}

float portable_tanh(float x) {
    x = x < -kTanhLimit ? -kTanhLimit : x;
    x = x > kTanhLimit ? kTanhLimit : x;
    const ExpParts parts = exp_parts(x + x);
    const float power = scale_by_power(1.0F, parts.n);
    const float excess = std::fma(parts.fraction, power, power - 1.0F); // exp(2x) − 1
    return excess / (excess + 2.0F);
}

namespace reference {

void silu_gate(float* gate, const float* up, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) {
        const float z = gate[i];
        gate[i] = z / (1.0F + portable_exp(-z)) * up[i];
    }
}

void gelu_gate(float* gate, const float* up, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) {
        const float z = gate[i];
        const float inner = std::fma(kGeluCube * z, z * z, z);
        gate[i] = z / (1.0F + portable_exp(inner * -kGeluScale)) * up[i];
    }
}

void softcap(float* x, std::int64_t n, float cap) {
    for (std::int64_t i = 0; i < n; ++i) {
        x[i] = portable_tanh(x[i] / cap) * cap;
    }
}

void softmax(float* x, std::int64_t n) {
    float largest = x[0];
    for (std::int64_t i = 1; i < n; ++i) {
        largest = x[i] > largest ? x[i] : largest;
    }
    float lanes[kLanes] = {};
    for (std::int64_t i = 0; i < n; ++i) {
        x[i] = portable_exp(x[i] - largest);
        lanes[i % kLanes] += x[i];
    }
    const float total = tree_sum(lanes);
    for (std::int64_t i = 0; i < n; ++i) {
        x[i] /= total;
    }
}

} // namespace reference
} // namespace headroom::kernels
