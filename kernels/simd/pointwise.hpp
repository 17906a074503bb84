// Exp, softmax, gates, soft cap and RMS norm for sixteen elements at a time. L is Avx2 or Avx512.
// The operations per element are those of level `reference`, so the bits are the same.
#pragma once

#include "kernels/definition.hpp"
#include "kernels/kernels.hpp"

namespace headroom::kernels::simd {

/// exp(x) = 2^n · (1 + fraction); `shifted` is n + kExpRound.
template <class L>
struct ExpParts {
    typename L::Vector fraction;
    typename L::Vector shifted;
};

template <class L>
ExpParts<L> exp_parts(typename L::Vector x) {
    using Vector = typename L::Vector;
    const Vector shifted = L::fma(x, L::all(kExpLog2E), L::all(kExpRound));
    const Vector whole = L::subtract(shifted, L::all(kExpRound));
    Vector r = L::minus_product(whole, L::all(kExpLn2High), x);
    r = L::minus_product(whole, L::all(kExpLn2Low), r);
    Vector p = L::all(kExpPolynomial[0]);
    for (int i = 1; i < 6; ++i) {
        p = L::fma(p, r, L::all(kExpPolynomial[i]));
    }
    return {L::fma(p, L::multiply(r, r), r), shifted};
}

/// Returns x, or the nearer of `low` and `high` if it is outside of both. larger(a, b) and
/// smaller(a, b) return b if a or b is NaN, so x stays if it is NaN.
template <class L>
typename L::Vector clamped(typename L::Vector x, float low, float high) {
    return L::smaller(L::all(high), L::larger(L::all(low), x));
}

template <class L>
typename L::Vector exp_of(typename L::Vector x) {
    const ExpParts<L> parts = exp_parts<L>(clamped<L>(x, kExpLow, kExpHigh));
    return L::scale_by_power(L::add(parts.fraction, L::all(1.0F)), parts.shifted, kExpRoundBits);
}

template <class L>
typename L::Vector tanh_of(typename L::Vector x) {
    x = clamped<L>(x, -kTanhLimit, kTanhLimit);
    const ExpParts<L> parts = exp_parts<L>(L::add(x, x));
    const auto power = L::scale_by_power(L::all(1.0F), parts.shifted, kExpRoundBits);
    const auto excess = L::fma(parts.fraction, power, L::subtract(power, L::all(1.0F)));
    return L::divide(excess, L::add(excess, L::all(2.0F)));
}

/// Calls each(start, load, store) for every whole vector of n elements, and once for the rest if n
/// is not a multiple of 16. In that last call `load` and `store` leave out the elements beyond n.
template <class L, class Each>
void for_vectors(std::int64_t n, Each each) {
    using Vector = typename L::Vector;
    const std::int64_t whole = n / kLanes * kLanes;
    for (std::int64_t i = 0; i < whole; i += kLanes) {
        each(
            i, [](const float* p) { return L::load(p); }, [](float* p, Vector a) { L::store(p, a); }
        );
    }
    if (const std::int64_t rest = n - whole; rest > 0) {
        each(
            whole,
            [rest](const float* p) { return L::load_first(p, rest); },
            [rest](float* p, Vector a) { L::store_first(p, a, rest); }
        );
    }
}

template <class L>
void silu_gate(float* gate, const float* up, std::int64_t n) {
    for_vectors<L>(n, [&](std::int64_t i, auto load, auto store) {
        const auto z = load(gate + i);
        const auto below = L::add(L::all(1.0F), exp_of<L>(L::multiply(z, L::all(-1.0F))));
        store(gate + i, L::multiply(L::divide(z, below), load(up + i)));
    });
}

template <class L>
void gelu_gate(float* gate, const float* up, std::int64_t n) {
    for_vectors<L>(n, [&](std::int64_t i, auto load, auto store) {
        const auto z = load(gate + i);
        const auto cube = L::multiply(L::all(kGeluCube), z);
        const auto inner = L::fma(cube, L::multiply(z, z), z);
        const auto power = exp_of<L>(L::multiply(inner, L::all(-kGeluScale)));
        const auto below = L::add(L::all(1.0F), power);
        store(gate + i, L::multiply(L::divide(z, below), load(up + i)));
    });
}

template <class L>
void softcap(float* x, std::int64_t n, float cap) {
    for_vectors<L>(n, [&](std::int64_t i, auto load, auto store) {
        const auto y = tanh_of<L>(L::divide(load(x + i), L::all(cap)));
        store(x + i, L::multiply(y, L::all(cap)));
    });
}

/// Returns the largest of n ≥ 1 values. The order of comparison decides whether the function
/// returns +0 or −0, and what it returns if there is a NaN. The bits of softmax do not depend on
/// that order: exp is 1 for both zeros, and a NaN in x makes the sum, and so every result, NaN.
template <class L>
float largest_of(const float* x, std::int64_t n) {
    float largest = x[0];
    std::int64_t i = 0;
    if (n >= kLanes) {
        auto lanes = L::load(x);
        for (i = kLanes; i + kLanes <= n; i += kLanes) {
            lanes = L::larger(lanes, L::load(x + i));
        }
        float stored[kLanes];
        L::store(stored, lanes);
        for (const float lane : stored) {
            largest = lane > largest ? lane : largest;
        }
    }
    for (; i < n; ++i) {
        largest = x[i] > largest ? x[i] : largest;
    }
    return largest;
}

template <class L>
void softmax(float* x, std::int64_t n) {
    const auto largest = L::all(largest_of<L>(x, n));
    const std::int64_t whole = n / kLanes * kLanes;
    auto sums = L::zero();
    for (std::int64_t i = 0; i < whole; i += kLanes) {
        const auto e = exp_of<L>(L::subtract(L::load(x + i), largest));
        L::store(x + i, e);
        sums = L::add(sums, e);
    }
    if (const std::int64_t rest = n - whole; rest > 0) {
        const auto e = exp_of<L>(L::subtract(L::load_first(x + whole, rest), largest));
        L::store_first(x + whole, e, rest);
        sums = L::add(sums, L::load_first(x + whole, rest));
    }
    const auto total = L::all(L::sum(sums));
    for_vectors<L>(n, [&](std::int64_t i, auto load, auto store) {
        store(x + i, L::divide(load(x + i), total));
    });
}

template <class L>
void rms_norm(const float* x, const float* weight, float epsilon, std::int64_t width, float* y) {
    auto squares = L::zero();
    for_vectors<L>(width, [&](std::int64_t i, auto load, auto /*store*/) {
        squares = L::fma(load(x + i), load(x + i), squares);
    });
    const float mean = L::sum(squares) / static_cast<float>(width);
    const auto inverse = L::all(1.0F / L::root(mean + epsilon));
    for_vectors<L>(width, [&](std::int64_t i, auto load, auto store) {
        store(y + i, L::multiply(L::multiply(load(x + i), inverse), load(weight + i)));
    });
}

} // namespace headroom::kernels::simd
