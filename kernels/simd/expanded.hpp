// Products with matrix rows of types that are expanded to floats (kernels/expand). They have the
// bits that F32 rows of these floats would have. The expanders are called as ordinary functions,
// which are not compiled for the instruction set of this file.
#pragma once

#include "kernels/definition.hpp"
#include "kernels/expand/expand.hpp"
#include "kernels/simd/tile.hpp"

namespace headroom::kernels::simd {

/// The sums of up to kTokens vectors with R rows of a type that is expanded. The rows are expanded
/// run by run, once for all of these vectors, while their accumulators wait in memory.
template <class L, int R>
struct ExpandedRows {
    static constexpr std::int64_t kTokens = 32;

    alignas(64) float weights[static_cast<std::size_t>(R * kRunColumns)];
    alignas(64) float lanes[static_cast<std::size_t>(kTokens * R * kLanes)]; ///< (token, row, lane)

    [[nodiscard]] float* lanes_at(std::int64_t token, std::int64_t row) {
        return lanes + (token * R + row) * kLanes;
    }

    /// Adds the products of a run of up to kRunColumns columns, for N vectors from `first` on. x
    /// points at the run's first column of these vectors.
    template <int N>
    void add(std::int64_t first, std::int64_t columns, const float* x, std::int64_t x_stride) {
        constexpr int kRows = L::rows_for(N) < R ? L::rows_for(N) : R;
        for (int r = 0; r < R; r += kRows) {
            Sums<L, kRows, N> sums;
            for (int i = 0; i < kRows; ++i) {
                for (int t = 0; t < N; ++t) {
                    sums.at[i][t] = L::load(lanes_at(first + t, r + i));
                }
            }
            const Tile tile{
                .weights = reinterpret_cast<const std::byte*>(weights + r * kRunColumns),
                .row_bytes = kRunColumns * kFormatOf<WeightType::f32>.bytes,
                .columns = columns,
                .x = x,
                .x_stride = x_stride,
                .y = nullptr,
                .y_stride = 0,
            };
            add_elements<L, WeightType::f32, kRows, N>(sums, tile);
            for (int i = 0; i < kRows; ++i) {
                for (int t = 0; t < N; ++t) {
                    L::store(lanes_at(first + t, r + i), sums.at[i][t]);
                }
            }
        }
    }

    /// Writes the sums of one vector to y[0 … R−1].
    void finish(std::int64_t token, float* y) {
        const auto sum = [&](int r) __attribute__((always_inline)) {
            return L::load(lanes_at(token, r));
        };
        if constexpr (R == 4) {
            L::sum_four(sum(0), sum(1), sum(2), sum(3), y);
        } else {
            for (int r = 0; r < R; ++r) {
                y[r] = L::sum(sum(r));
            }
        }
    }
};

/// Multiplies R rows of a type that is expanded by n ≤ ExpandedRows::kTokens vectors.
template <class L, int R>
void expanded_rows_times_some(const Tile& at, const WeightFormat& format, std::int64_t n) {
    ExpandedRows<L, R> rows;
    for (std::int64_t i = 0; i < n * R * kLanes; i += kLanes) {
        L::store(rows.lanes + i, L::zero());
    }
    for (std::int64_t k = 0; k < at.columns; k += kRunColumns) {
        const std::int64_t left = at.columns - k;
        const std::int64_t now = left < kRunColumns ? left : kRunColumns;
        const std::byte* const run = at.weights + k / format.elements * format.bytes;
        for (int r = 0; r < R; ++r) {
            expand(format.type, run + r * at.row_bytes, now, rows.weights + r * kRunColumns);
        }
        std::int64_t t = 0;
        for (; t + 4 <= n; t += 4) {
            rows.template add<4>(t, now, at.x + t * at.x_stride + k, at.x_stride);
        }
        for (; t < n; ++t) {
            rows.template add<1>(t, now, at.x + t * at.x_stride + k, at.x_stride);
        }
    }
    for (std::int64_t t = 0; t < n; ++t) {
        rows.finish(t, at.y + t * at.y_stride);
    }
}

/// Multiplies R rows of a type that is expanded by n vectors.
template <class L, int R>
void expanded_rows_times(Tile at, const WeightFormat& format, std::int64_t n) {
    constexpr std::int64_t kTokens = ExpandedRows<L, R>::kTokens;
    for (; n > 0; n -= kTokens) {
        expanded_rows_times_some<L, R>(at, format, n < kTokens ? n : kTokens);
        at.x += kTokens * at.x_stride;
        at.y += kTokens * at.y_stride;
    }
}

} // namespace headroom::kernels::simd
