// A tile, a few matrix rows times a few vectors, so that each loaded number is used several times.
// Every element is computed by the same operations in the same order as in level `reference`, so
// tiling does not change bits.
#pragma once

#include "kernels/definition.hpp"
#include "kernels/simd/weights.hpp"

namespace headroom::kernels::simd {

/// Weights are prefetched this many bytes before their use, into L2, because L1 is for the vectors.
/// Measured with 512 MiB of weights on one core, in percent of the bandwidth of plain reading: F16
/// reaches 89-95 at 64 KiB, 81-87 at 32 KiB, 74 at 16 KiB and 66 without prefetch. For Q8_0 the
/// same four percentages are 72-82, 69-75, 72 and 44. F32 weights are not prefetched: large F32
/// matrices would gain (98 instead of 87), but products with matrices in the cache, such as
/// attention's keys, would take a sixth longer.
inline constexpr std::int64_t kPrefetchBytes = 65536;

inline constexpr int kIntoL2 = 2; ///< the locality argument of __builtin_prefetch for L2

/// The accumulators of a tile of R matrix rows and N vectors. L is Avx2 or Avx512.
template <class L, int R, int N>
struct Sums {
    using Vector = typename L::Vector;
    Vector at[static_cast<std::size_t>(R)][static_cast<std::size_t>(N)];

    void clear() {
        for (auto& row : at) {
            for (Vector& sum : row) {
                sum = L::zero();
            }
        }
    }
};

/// The inputs and outputs of a tile. Strides are in floats. Weight rows begin row_bytes apart.
struct Tile {
    const std::byte* weights;
    std::int64_t row_bytes;
    std::int64_t columns;
    const float* x;
    std::int64_t x_stride;
    float* y;
    std::int64_t y_stride;
};

template <class L, int R, int N>
void finish_tile(const Sums<L, R, N>& sums, const Tile& tile) {
    for (int t = 0; t < N; ++t) {
        float* y = tile.y + t * tile.y_stride;
        if constexpr (R == 4) {
            const auto& at = sums.at;
            L::sum_four(at[0][t], at[1][t], at[2][t], at[3][t], y);
        } else {
            for (int r = 0; r < R; ++r) {
                y[r] = L::sum(sums.at[r][t]);
            }
        }
    }
}

/// Adds the products of a tile of a matrix whose weight type has no quantisation blocks to `sums`.
template <class L, WeightType kType, int R, int N>
__attribute__((always_inline)) inline void add_elements(Sums<L, R, N>& sums, const Tile& tile) {
    using Vector = typename L::Vector;
    const auto pass = [&](std::int64_t k, auto weights_at, auto x_at)
        __attribute__((always_inline)) {
        Vector x[static_cast<std::size_t>(N)];
        for (int t = 0; t < N; ++t) {
            x[t] = x_at(tile.x + t * tile.x_stride + k);
        }
        for (int r = 0; r < R; ++r) {
            const Vector w =
                weights_at(tile.weights + r * tile.row_bytes + k * kFormatOf<kType>.bytes);
            for (int t = 0; t < N; ++t) {
                sums.at[r][t] = L::fma(w, x[t], sums.at[r][t]);
            }
        }
    };
    const std::int64_t whole = tile.columns / kLanes * kLanes;
    for (std::int64_t k = 0; k < whole; k += kLanes) {
        pass(
            k,
            [](const std::byte* p) {
                if constexpr (kFormatOf<kType>.bytes < 4) {
                    __builtin_prefetch(p + kPrefetchBytes, 0, kIntoL2);
                }
                return Weights<L, kType>::load(p);
            },
            [](const float* p) { return L::load(p); }
        );
    }
    if (const std::int64_t rest = tile.columns - whole; rest > 0) {
        pass(
            whole,
            [rest](const std::byte* p) { return Weights<L, kType>::load_first(p, rest); },
            [rest](const float* p) { return L::load_first(p, rest); }
        );
    }
}

/// Computes a tile of a matrix whose weight type has no quantisation blocks.
template <class L, WeightType kType, int R, int N>
void tile_elements(const Tile& tile) {
    Sums<L, R, N> sums;
    sums.clear();
    add_elements<L, kType, R, N>(sums, tile);
    finish_tile<L, R, N>(sums, tile);
}

/// Computes a tile of a matrix of quantisation blocks.
template <class L, WeightType kType, int R, int N>
void tile_blocks(const Tile& tile) {
    using Vector = typename L::Vector;
    Sums<L, R, N> sums;
    sums.clear();
    const std::byte* block = tile.weights;
    for (std::int64_t k = 0; k < tile.columns;
         k += kFormatOf<kType>.elements, block += kFormatOf<kType>.bytes) {
        for (int r = 0; r < R; ++r) {
            const std::byte* row_block = block + r * tile.row_bytes;
            __builtin_prefetch(row_block + kPrefetchBytes, 0, kIntoL2);
            const Vector scale = L::half(row_block);
            const Quants<L> quants = Weights<L, kType>::quants(row_block);
            for (int t = 0; t < N; ++t) {
                const float* x = tile.x + t * tile.x_stride + k;
                const Vector upper = L::multiply(quants.high, L::load(x + kLanes));
                const Vector both = L::fma(quants.low, L::load(x), upper);
                sums.at[r][t] = L::fma(scale, both, sums.at[r][t]);
            }
        }
    }
    finish_tile<L, R, N>(sums, tile);
}

} // namespace headroom::kernels::simd
