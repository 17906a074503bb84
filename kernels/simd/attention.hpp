// The attention of one group (a K/V head with its query heads). The scores are computed run by run
// (rows of one page, or of a chunk), as products with the run's matrix of keys. After the softmax
// the scores are the weights of the values. The weighted sum of the values is computed for up to 64
// of the d columns at a time, over all cache rows in order.
#pragma once

#include "kernels/kernels.hpp"
#include "kernels/simd/multiply.hpp"
#include "kernels/simd/pointwise.hpp"

namespace headroom::kernels::simd {

/// Calls use(t, rows, keys, values) for all rows that are attended to, in order: the keys and the
/// values of the rows t … t+rows−1 stand without gaps at `keys` and at `values`.
template <class L, WeightType kType, class Use>
void for_each_run(const Attention& attention, Use use) {
    constexpr WeightFormat kFormat = kFormatOf<kType>;
    const std::int64_t row_bytes = attention.head_width / kFormat.elements * kFormat.bytes;
    const ChunkRows& chunk = attention.chunk;
    const std::int64_t in_pages =
        chunk.keys != nullptr && chunk.first < attention.context ? chunk.first : attention.context;
    std::int64_t t = attention.first;
    while (t < in_pages) {
        const std::int64_t page = t / kPageRows;
        const std::int64_t row = t % kPageRows;
        const std::byte* const keys =
            attention.pages[attention.ring > 0 ? page % attention.ring : page] + row * row_bytes;
        const std::int64_t left = in_pages - t;
        const std::int64_t rows = left < kPageRows - row ? left : kPageRows - row;
        use(t, rows, keys, keys + kPageRows * row_bytes);
        t += rows;
    }
    if (t < attention.context) {
        const std::int64_t at = (t - chunk.first) * row_bytes;
        use(t, attention.context - t, chunk.keys + at, chunk.values + at);
    }
}

/// Sets scores[t] = query · key[t] for all rows that are attended to. The keys of a run form a
/// matrix of shape (rows, d).
template <class L, WeightType kType>
void score(const Attention& attention, const float* query) {
    const std::int64_t d = attention.head_width;
    for_each_run<L, kType>(
        attention,
        [&](std::int64_t t, std::int64_t rows, const std::byte* keys, const std::byte*) {
            const Matrix matrix{.type = kType, .data = keys, .rows = rows, .columns = d};
            multiply<L>(matrix, query, d, 1, attention.scores + t, 0);
        }
    );
}

/// Loads the 16 columns from `column` on of a stored row as floats. The conversion is exact.
template <class L, WeightType kType>
typename L::Vector load_columns(const std::byte* row, std::int64_t column) {
    constexpr WeightFormat kFormat = kFormatOf<kType>;
    if constexpr (kFormat.elements == 1) {
        return Weights<L, kType>::load(row + column * kFormat.bytes);
    } else {
        const std::byte* block = row + column / kFormat.elements * kFormat.bytes;
        return L::multiply(L::half(block), L::bytes(block + kQuantsAt + column % kFormat.elements));
    }
}

/// Returns Σ_t scores[t] · value[t][i] for the kVectors · 16 columns i that begin at `column`.
/// `load(row, i)` loads the 16 columns from i on of a stored row.
template <class L, WeightType kType, int kVectors, class Load>
Sums<L, 1, kVectors> weigh(const Attention& attention, std::int64_t column, Load load) {
    constexpr WeightFormat kFormat = kFormatOf<kType>;
    const std::int64_t row_bytes = attention.head_width / kFormat.elements * kFormat.bytes;
    Sums<L, 1, kVectors> sums;
    sums.clear();
    for_each_run<L, kType>(
        attention,
        [&](std::int64_t t, std::int64_t rows, const std::byte*, const std::byte* value) {
            for (const std::int64_t end = t + rows; t < end; ++t, value += row_bytes) {
                const auto weight = L::all(attention.scores[t]);
                for (int v = 0; v < kVectors; ++v) {
                    sums.at[0][v] = L::fma(weight, load(value, column + v * kLanes), sums.at[0][v]);
                }
            }
        }
    );
    return sums;
}

template <class L, WeightType kType>
void weigh_values(const Attention& attention, float* out) {
    constexpr int kTogether = 4; // independent sums hide the latency of the fused multiply-add
    const std::int64_t d = attention.head_width;
    const auto load = [](const std::byte* row, std::int64_t column) {
        return load_columns<L, kType>(row, column);
    };
    std::int64_t i = 0;
    for (; i + kTogether * kLanes <= d; i += kTogether * kLanes) {
        const auto sums = weigh<L, kType, kTogether>(attention, i, load);
        for (int v = 0; v < kTogether; ++v) {
            L::store(out + i + v * kLanes, sums.at[0][v]);
        }
    }
    for (; i + kLanes <= d; i += kLanes) {
        L::store(out + i, weigh<L, kType, 1>(attention, i, load).at[0][0]);
    }
    // Rows of quantisation blocks have whole vectors only.
    if constexpr (kFormatOf<kType>.elements == 1) {
        if (const std::int64_t rest = d - i; rest > 0) {
            const auto load_rest = [rest](const std::byte* row, std::int64_t column) {
                return Weights<L, kType>::load_first(row + column * kFormatOf<kType>.bytes, rest);
            };
            L::store_first(out + i, weigh<L, kType, 1>(attention, i, load_rest).at[0][0], rest);
        }
    }
}

template <class L>
void attention(const Attention& attention) {
    const std::int64_t d = attention.head_width;
    const float scale =
        attention.scale != 0 ? attention.scale : 1.0F / L::root(static_cast<float>(d));
    float* const scores = attention.scores + attention.first;
    const std::int64_t rows = attention.context - attention.first;
    for (std::int64_t h = 0; h < attention.heads; ++h) {
        visit_weight_type(
            attention.type,
            [&]<WeightType kType>(std::integral_constant<WeightType, kType>) {
                if constexpr (kIsCacheType<kType>) {
                    score<L, kType>(attention, attention.queries + h * d);
                }
            }
        );
        for (std::int64_t t = 0; t < rows; ++t) {
            scores[t] *= scale;
        }
        if (attention.softcap > 0) {
            softcap<L>(scores, rows, attention.softcap);
        }
        softmax<L>(scores, rows);
        float* out = attention.out + h * d;
        visit_weight_type(
            attention.type,
            [&]<WeightType kType>(std::integral_constant<WeightType, kType>) {
                if constexpr (kIsCacheType<kType>) {
                    weigh_values<L, kType>(attention, out);
                }
            }
        );
    }
}

} // namespace headroom::kernels::simd
