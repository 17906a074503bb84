// Cosines and sines of rope angles from plain double operations, so that no libm decides the bits.
// Series are Taylor's, cut where the next term is below 10⁻¹⁷ on the reduced range; the largest
// error comes from angle = position · frequency, about 10⁻¹⁰ at position 10⁶.
#include <bit>
#include <cstdint>

#include "kernels/kernels.hpp"

namespace headroom::kernels {
namespace {

// ln 2 and π/2 in two parts; the high parts have 32 and 33 bits, so that a small integer times them
// is exact (fdlibm's constants).
constexpr double kLn2High = 6.93147180369123816490e-01;
constexpr double kLn2Low = 1.90821492927058770002e-10;
constexpr double kHalfPiHigh = 1.57079632673412561417e+00;
constexpr double kHalfPiLow = 6.07710050650619224932e-11;
constexpr double kInverseLn2 = 1.44269504088896338700e+00;
constexpr double kInverseHalfPi = 6.36619772367581382433e-01;

/// e^(−y) for 0 ≤ y ≤ 700.
double exp_negative(double y) {
    const auto n = static_cast<std::int64_t>(y * kInverseLn2 + 0.5);
    const auto whole = static_cast<double>(n);
    const double r = (whole * kLn2High - y) + whole * kLn2Low; // −y = −n·ln 2 + r
    double series = 1.0;
    for (int i = 15; i >= 1; --i) { // |r| ≤ 0.35, r¹⁶/16! < 10⁻²⁰
        series = series * r / i + 1.0;
    }
    return series * std::bit_cast<double>(static_cast<std::uint64_t>(1023 - n) << 52);
}

struct CosineSine {
    double cosine;
    double sine;
};

/// Cosine and sine of 0 ≤ angle < 2²⁰: quarter turns off, then series on |r| ≤ π/4.
CosineSine cosine_sine_of(double angle) {
    const auto quarters = static_cast<std::int64_t>(angle * kInverseHalfPi + 0.5);
    const auto whole = static_cast<double>(quarters);
    const double r = (angle - whole * kHalfPiHigh) - whole * kHalfPiLow;
    const double square = r * r;
    double cosine = 1.0;
    double sine = 1.0;
    for (int i = 9; i >= 1; --i) { // π/4^20/20! < 10⁻²⁰
        cosine = 1.0 - cosine * square / ((2 * i - 1) * (2 * i));
        sine = 1.0 - sine * square / ((2 * i) * (2 * i + 1));
    }
    sine *= r;
    switch (quarters & 3) {
    case 0:
        return {cosine, sine};
    case 1:
        return {-sine, cosine};
    case 2:
        return {-cosine, -sine};
    default:
        return {sine, -cosine};
    }
}

} // namespace

/// x = m · 2^e, ln m = 2·artanh(s), s = (m − 1)/(m + 1).
double portable_log(double x) {
    const auto bits = std::bit_cast<std::uint64_t>(x);
    auto exponent = static_cast<std::int64_t>(bits >> 52) - 1023;
    double m = std::bit_cast<double>((bits & 0x000FFFFFFFFFFFFFULL) | 0x3FF0000000000000ULL);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        exponent += 1;
    }
    const double s = (m - 1.0) / (m + 1.0);
    const double square = s * s;
    double series = 0.0;
    for (int odd = 25; odd >= 1; odd -= 2) { // |s| ≤ 0.172, s²⁶ < 10⁻¹⁹
        series = series * square + 1.0 / odd;
    }
    const auto e = static_cast<double>(exponent);
    return e * kLn2High + (2.0 * s * series + e * kLn2Low);
}

double rope_frequency(double theta, std::int64_t i, std::int64_t width) {
    const double share = static_cast<double>(2 * i) / static_cast<double>(width);
    return exp_negative(share * portable_log(theta));
}

void rope_angle(
    std::int64_t position, double frequency, double magnitude, float& cosine, float& sine
) {
    const CosineSine values = cosine_sine_of(static_cast<double>(position) * frequency);
    cosine = static_cast<float>(values.cosine * magnitude);
    sine = static_cast<float>(values.sine * magnitude);
}

void rope_angles(
    std::int64_t position, double theta, std::int64_t head_width, float* cosines, float* sines
) {
    for (std::int64_t i = 0; i < head_width / 2; ++i) {
        rope_angle(position, rope_frequency(theta, i, head_width), 1.0, cosines[i], sines[i]);
    }
}

} // namespace headroom::kernels
