// The product of a matrix and some vectors, computed in tiles.
#pragma once

#include "kernels/kernels.hpp"
#include "kernels/simd/expanded.hpp"
#include "kernels/simd/tile.hpp"

namespace headroom::kernels::simd {

template <class L, WeightType kType, int R, int N>
void run_tile(const Tile& tile) {
    if constexpr (kFormatOf<kType>.elements == 1) {
        tile_elements<L, kType, R, N>(tile);
    } else {
        tile_blocks<L, kType, R, N>(tile);
    }
}

/// Multiplies R rows by N vectors, in tiles whose accumulators fit in the registers.
template <class L, WeightType kType, int R, int N>
void rows_times_some(Tile at) {
    constexpr int kRows = L::rows_for(N) < R ? L::rows_for(N) : R;
    static_assert(R % kRows == 0);
    for (int r = 0; r < R; r += kRows) {
        run_tile<L, kType, kRows, N>(at);
        at.weights += kRows * at.row_bytes;
        at.y += kRows;
    }
}

/// Multiplies R rows by n vectors, up to 4 vectors at a time. The rows are read from memory for the
/// first of these vectors and from the cache for the others.
template <class L, WeightType kType, int R>
void rows_times(Tile at, std::int64_t n) {
    std::int64_t t = 0;
    const auto take = [&](std::int64_t vectors) {
        at.x += vectors * at.x_stride;
        at.y += vectors * at.y_stride;
        t += vectors;
    };
    while (n - t >= 4) {
        rows_times_some<L, kType, R, 4>(at);
        take(4);
    }
    if (n - t >= 2) {
        rows_times_some<L, kType, R, 2>(at);
        take(2);
    }
    if (n - t == 1) {
        rows_times_some<L, kType, R, 1>(at);
    }
}

template <class L, WeightType kType, int R>
void rows_times_any(const Tile& at, std::int64_t n) {
    if constexpr (kExpanded<kType>) {
        static_assert(kRunColumns % kFormatOf<kType>.elements == 0);
        static_assert(kFormatOf<kType>.elements % kLanes == 0);
        expanded_rows_times<L, R>(at, kFormatOf<kType>, n);
    } else {
        rows_times<L, kType, R>(at, n);
    }
}

template <class L, WeightType kType>
void matrix_times(Tile at, std::int64_t rows, std::int64_t n) {
    constexpr int kRows = 4;
    std::int64_t m = 0;
    for (; m + kRows <= rows; m += kRows) {
        rows_times_any<L, kType, kRows>(at, n);
        at.weights += kRows * at.row_bytes;
        at.y += kRows;
    }
    for (; m < rows; ++m) {
        rows_times_any<L, kType, 1>(at, n);
        at.weights += at.row_bytes;
        at.y += 1;
    }
}

template <class L>
void multiply(
    const Matrix& w,
    const float* x,
    std::int64_t x_stride,
    std::int64_t n,
    float* y,
    std::int64_t y_stride
) {
    visit_weight_type(w.type, [&]<WeightType kType>(std::integral_constant<WeightType, kType>) {
        const Tile tile{
            .weights = w.data,
            .row_bytes = w.columns / kFormatOf<kType>.elements * kFormatOf<kType>.bytes,
            .columns = w.columns,
            .x = x,
            .x_stride = x_stride,
            .y = y,
            .y_stride = y_stride,
        };
        matrix_times<L, kType>(tile, w.rows, n);
    });
}

} // namespace headroom::kernels::simd
