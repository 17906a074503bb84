// The numeric functions of a decoder on plain arrays. One table of functions per level; every level
// has the same signatures and contracts. Kernels check nothing: preconditions are in the contracts
// and are checked one room up. No allocation, no I/O, no clock, no threads.
//
// What every level promises:
// - Batch-invariant: what a token gets does not depend on how many tokens share the call.
// - Row-invariant: what a row of a matrix gives does not depend on the other rows in the call.
// - reference, avx2 and avx512 give identical bits: the tree of sums and every fused multiply-add
//   are part of the definition (docs/reference/arithmetic.md). `openblas` has bits of its own.
// Letters: D model width, d head width, q query heads per group, F FFN width, V vocabulary,
// T context, M rows, K columns, n tokens.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/weight_type.hpp"

namespace headroom::kernels {

enum class Level : std::uint8_t { reference, openblas, avx2, avx512 };

/// A stored matrix (M, K), rows contiguous, row_bytes(type, K) apart. F32 rows are 4-byte aligned.
struct Matrix {
    WeightType type = WeightType::f32;
    const std::byte* data = nullptr;
    std::int64_t rows = 0;
    std::int64_t columns = 0;
};

/// One group's attention for one query position.
struct Attention {
    const float* queries = nullptr;      ///< (q, d), after rope
    const float* const* pages = nullptr; ///< ceil(T/16) of them: keys (16, d), then values (16, d)
    float* scores = nullptr;             ///< scratch, (T)
    float* out = nullptr;                ///< (q, d)
    std::int64_t heads = 1;              ///< q
    std::int64_t head_width = 0;         ///< d
    std::int64_t context = 0;            ///< T ≥ 1 rows are used
};

inline constexpr std::int64_t kPageRows = 16;

struct Kernels {
    Level level = Level::reference;
    /// y[t, m] = Σ_k w[m, k] · x[t, k] for t < n. Rows of x are x_stride floats apart, of y
    /// y_stride.
    void (*multiply
    )(const Matrix& w,
      const float* x,
      std::int64_t x_stride,
      std::int64_t n,
      float* y,
      std::int64_t y_stride) = nullptr;
    /// y = x / sqrt(mean(x²) + epsilon) · weight, over D values. y may be x.
    void (*rms_norm
    )(const float* x, const float* weight, float epsilon, std::int64_t width, float* y) = nullptr;
    /// In place on (heads, d): pairs (x[2i], x[2i+1]) turned by the angle whose cosine and sine are
    /// cosines[i], sines[i], i < d/2.
    void (*rope
    )(float* x,
      std::int64_t heads,
      std::int64_t head_width,
      const float* cosines,
      const float* sines) = nullptr;
    /// Scores q·k/sqrt(d), softmax over T, weighted sum of values.
    void (*attention)(const Attention& attention) = nullptr;
    /// gate[i] = silu(gate[i]) · up[i], silu(z) = z / (1 + exp(−z)).
    void (*silu_gate)(float* gate, const float* up, std::int64_t n) = nullptr;
    /// In place; subtracts the maximum first. n ≥ 1. With a NaN or +inf, or -inf throughout, the
    /// result is NaN throughout.
    void (*softmax)(float* x, std::int64_t n) = nullptr;
    /// y[i] = a[i] + b[i]; y may be a or b.
    void (*add)(const float* a, const float* b, std::int64_t n, float* y) = nullptr;
};

[[nodiscard]] std::string_view name_of(Level level);
[[nodiscard]] std::optional<Level> level_named(std::string_view name);
/// Does this CPU (and this build) run the level?
[[nodiscard]] bool available(Level level);
/// avx512, else avx2, else openblas if built in, else reference.
[[nodiscard]] Level best_level();
/// Precondition: available(level).
[[nodiscard]] const Kernels& kernels_for(Level level);

/// The first index of the largest value. n ≥ 1. NaN never wins; 0 if there is nothing else.
[[nodiscard]] std::int64_t argmax(std::span<const float> x);
/// How an id is drawn. The filters see probabilities at temperature 1, each only what the one
/// before it left, in this order (llama.cpp's usual one):
///   top_k  the k likeliest; equal logits count by index, NaN comes last. 0: all
///   top_p  of these the shortest run of the likeliest whose probability reaches p. 1: all
///   min_p  of these the ones with at least this part of the likeliest's probability. 0: all
///   temperature  then sharpens or flattens what is left. 0: no chance, always the likeliest
/// 0 ≤ top_k; 0 < top_p ≤ 1; 0 ≤ min_p ≤ 1; 0 ≤ temperature.
struct Sampling {
    float temperature = 0;
    std::int64_t top_k = 0;
    double top_p = 1;
    double min_p = 0;
};

/// Turns logits (V < 2²³) into an id; `unit` in [0, 1) is the random number. Filters in place, then
/// softmax of logits/temperature in place, then inversion of the cumulative sum (double) in index
/// order: the same id on every level whose softmax has the same bits. A probability's weight in
/// top_p is round(2⁴⁰·exp_own(logit − largest)), an integer, and p reaches up to the next integer.
/// Never an id of probability 0; the argmax if the largest logit is no finite number or the
/// probabilities are undefined (see softmax).
[[nodiscard]] std::int64_t sample(
    const Kernels& kernels, std::span<float> logits, const Sampling& how, double unit
);
/// Row `row` of a stored matrix as K floats: the embedding lookup.
void expand_row(const Matrix& w, std::int64_t row, float* out);
/// Cosines and sines (d/2 each) of position · theta^(−2i/d): own polynomials, the same bits on
/// every CPU whatever libm does. 0 ≤ position < 2²⁰, theta ≥ 1; off by less than 10⁻⁷.
void rope_angles(
    std::int64_t position, double theta, std::int64_t head_width, float* cosines, float* sines
);

/// The own exp of all levels: relative error below 2⁻²², exp(−inf) = 0, overflow to +inf.
[[nodiscard]] float exp_own(float x);

/// Name of the core that OpenBLAS runs with, or "" if it is not built in.
[[nodiscard]] std::string_view openblas_core();
/// The value OPENBLAS_CORETYPE must have before the library is loaded on this CPU (0.3.21 does not
/// know newer Xeons and falls back to its slowest kernels), or "" if OpenBLAS chooses well itself.
[[nodiscard]] std::string_view openblas_core_wanted();

} // namespace headroom::kernels
