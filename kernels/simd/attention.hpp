// The attention of one group (a K/V head with its query heads). The scores are computed page by
// page, as products with the page's matrix of keys. After the softmax the scores are the weights of
// the values. The weighted sum of the values is computed for up to 64 of the d columns at a time,
// over all cache rows in order.
#pragma once

#include "kernels/kernels.hpp"
#include "kernels/simd/multiply.hpp"
#include "kernels/simd/pointwise.hpp"

namespace headroom::kernels::simd {

/// Sets scores[t] = query · key[t]. The keys of a page form an F32 matrix of shape (rows, d).
template <class L>
void score(const Attention& attention, const float* query) {
    const std::int64_t d = attention.head_width;
    for (std::int64_t t = 0; t < attention.context; t += kPageRows) {
        const std::int64_t left = attention.context - t;
        const Matrix keys{
            .type = WeightType::f32,
            .data = reinterpret_cast<const std::byte*>(attention.pages[t / kPageRows]),
            .rows = left < kPageRows ? left : kPageRows,
            .columns = d,
        };
        multiply<L>(keys, query, d, 1, attention.scores + t, 0);
    }
}

/// Returns Σ_t scores[t] · value[t][i] for the kVectors · 16 columns i that begin at `column`.
/// `load(p)` loads the 16 columns at p.
template <class L, int kVectors, class Load>
Sums<L, 1, kVectors> weigh(const Attention& attention, std::int64_t column, Load load) {
    const std::int64_t d = attention.head_width;
    Sums<L, 1, kVectors> sums;
    sums.clear();
    for (std::int64_t t = 0; t < attention.context; ++t) {
        const float* page = attention.pages[t / kPageRows];
        const float* value = page + (kPageRows + t % kPageRows) * d + column;
        const auto weight = L::all(attention.scores[t]);
        for (int v = 0; v < kVectors; ++v) {
            sums.at[0][v] = L::fma(weight, load(value + v * kLanes), sums.at[0][v]);
        }
    }
    return sums;
}

template <class L>
void weigh_values(const Attention& attention, float* out) {
    constexpr int kTogether = 4; // independent sums hide the latency of the fused multiply-add
    const std::int64_t d = attention.head_width;
    const auto load = [](const float* p) { return L::load(p); };
    std::int64_t i = 0;
    for (; i + kTogether * kLanes <= d; i += kTogether * kLanes) {
        const auto sums = weigh<L, kTogether>(attention, i, load);
        for (int v = 0; v < kTogether; ++v) {
            L::store(out + i + v * kLanes, sums.at[0][v]);
        }
    }
    for (; i + kLanes <= d; i += kLanes) {
        L::store(out + i, weigh<L, 1>(attention, i, load).at[0][0]);
    }
    if (const std::int64_t rest = d - i; rest > 0) {
        const auto load_rest = [rest](const float* p) { return L::load_first(p, rest); };
        L::store_first(out + i, weigh<L, 1>(attention, i, load_rest).at[0][0], rest);
    }
}

template <class L>
void attention(const Attention& attention) {
    const std::int64_t d = attention.head_width;
    const float scale = 1.0F / L::root(static_cast<float>(d));
    for (std::int64_t h = 0; h < attention.heads; ++h) {
        score<L>(attention, attention.queries + h * d);
        for (std::int64_t t = 0; t < attention.context; ++t) {
            attention.scores[t] *= scale;
        }
        softmax<L>(attention.scores, attention.context);
        weigh_values<L>(attention, attention.out + h * d);
    }
}

} // namespace headroom::kernels::simd
