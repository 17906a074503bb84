// The numeric functions of a decoder on plain arrays. A kernel level is one implementation of all
// of them, given as a table of function pointers (Kernels). Kernels do not check their
// preconditions, which src/model guarantees. They do not allocate, do I/O or start threads.
// Symbols: D model width, d head width, q query heads per group, F FFN width, V vocabulary, T
// context, M rows, K columns, n tokens.
//
// Properties:
// - Batch-invariant: the result for a token does not depend on the number of tokens in the call.
// - Row-invariant: the result for a row of a matrix does not depend on the other rows in the call.
// - reference, avx2 and avx512 give identical bits: docs/reference/arithmetic.md defines the order
//   of all additions and every fused multiply-add. Only `multiply` of openblas may differ.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/weight_type.hpp"

namespace headroom::kernels {

enum class Level : std::uint8_t { reference, openblas, avx2, avx512 };

/// A stored matrix of shape (M, K). Its rows follow each other without gaps and have
/// row_bytes(type, K) bytes each. F32 rows are 4-byte aligned.
struct Matrix {
    WeightType type = WeightType::f32;
    const std::byte* data = nullptr;
    std::int64_t rows = 0;
    std::int64_t columns = 0;
};

/// The arguments of the attention of one group (a K/V head with its query heads) for one token.
struct Attention {
    const float* queries = nullptr;      ///< (q, d), after rope
    const float* const* pages = nullptr; ///< ceil(T/16) pages: keys (16, d), then values (16, d)
    float* scores = nullptr;             ///< scratch memory, (T)
    float* out = nullptr;                ///< (q, d)
    std::int64_t heads = 1;              ///< q
    std::int64_t head_width = 0;         ///< d
    std::int64_t context = 0;            ///< T ≥ 1, the number of cache rows to use
};

inline constexpr std::int64_t kPageRows = 16; ///< cache rows per page

/// y[t, m] = Σ_k w[m, k] · x[t, k] for t < n. Rows of x begin x_stride floats apart, and rows of y
/// begin y_stride floats apart.
using Multiply = void(
    const Matrix& w,
    const float* x,
    std::int64_t x_stride,
    std::int64_t n,
    float* y,
    std::int64_t y_stride
);
/// y = x / sqrt(mean(x²) + epsilon) · weight, over D values. y may be x.
using RmsNorm =
    void(const float* x, const float* weight, float epsilon, std::int64_t width, float* y);
/// Rotates each pair (x[2i], x[2i+1]), i < d/2, of each head by the angle with cosine cosines[i]
/// and sine sines[i]. x has shape (heads, d) and is changed in place.
using Rope = void(
    float* x, std::int64_t heads, std::int64_t head_width, const float* cosines, const float* sines
);
/// For each query head, computes the scores q·k/sqrt(d), their softmax over the T cache rows, and
/// the sum of the values with the softmax as weights.
using Attend = void(const Attention& attention);
/// gate[i] = silu(gate[i]) · up[i], where silu(z) = z / (1 + exp(−z)).
using SiluGate = void(float* gate, const float* up, std::int64_t n);
/// Replaces x by its softmax; subtracts the maximum first. n ≥ 1. If x contains NaN or +inf, or
/// consists of −inf only, every element of the result is NaN.
using Softmax = void(float* x, std::int64_t n);
/// y[i] = a[i] + b[i]; y may be a or b.
using Add = void(const float* a, const float* b, std::int64_t n, float* y);

struct Kernels {
    Level level = Level::reference;
    Multiply* multiply = nullptr;
    RmsNorm* rms_norm = nullptr;
    Rope* rope = nullptr;
    Attend* attention = nullptr;
    SiluGate* silu_gate = nullptr;
    Softmax* softmax = nullptr;
    Add* add = nullptr;
};

[[nodiscard]] std::string_view name_of(Level level);
[[nodiscard]] std::optional<Level> level_named(std::string_view name);
/// Returns whether this build contains the level and this CPU can execute it.
[[nodiscard]] bool available(Level level);
/// Returns the first available level of avx512, avx2, openblas and reference.
[[nodiscard]] Level best_level();
/// Precondition: available(level).
[[nodiscard]] const Kernels& kernels_for(Level level);

/// Returns the first index of the largest value; NaN counts as the smallest. If all are NaN,
/// returns 0. Precondition: x is not empty.
[[nodiscard]] std::int64_t argmax(std::span<const float> x);
/// The sampling parameters. Three filters are applied one after the other to the probabilities at
/// temperature 1, in the default order of llama.cpp:
///   top_k  keeps the k ids with the highest logits. Of equal logits the one with the lower index
///          comes first, and NaN comes last. A top_k of 0 keeps all ids.
///   top_p  keeps the fewest most probable ids whose probabilities sum to at least top_p. A top_p
///          of 1 keeps all ids.
///   min_p  keeps ids with at least min_p times the highest probability. A min_p of 0 keeps all.
/// The temperature then scales the logits of the ids that are left; a temperature of 0 always
/// yields the argmax. Valid values: 0 ≤ top_k; 0 < top_p ≤ 1; 0 ≤ min_p ≤ 1; 0 ≤ temperature.
struct Sampling {
    float temperature = 0;
    std::int64_t top_k = 0;
    double top_p = 1;
    double min_p = 0;
};

/// Samples an id from V logits and returns it; `unit` in [0, 1) is the random number. Precondition:
/// V < 2²³, so that the weights below can be added in 64 bits. The function filters the logits in
/// place and replaces them by softmax(logits/temperature). It then adds up these probabilities in
/// index order, in double, and returns the id at which the sum exceeds `unit` times the total. Two
/// kernel levels whose softmax has the same bits yield the same id. For top_p, each id has the
/// integer weight round(2⁴⁰·portable_exp(logit − largest)), because sums of integers are exact. The
/// kept ids together have at least the weight ⌈top_p · total weight⌉. Never returns an id of
/// probability 0. Returns the argmax if the largest logit is not finite or if the probabilities are
/// NaN.
[[nodiscard]] std::int64_t sample(
    const Kernels& kernels, std::span<float> logits, const Sampling& how, double unit
);
/// Writes row `row` of a stored matrix to `out` as K floats. This is the embedding lookup.
void expand_row(const Matrix& w, std::int64_t row, float* out);
/// Writes the cosine and sine of position · theta^(−2i/d) for each i < d/2, with errors below 10⁻⁷.
/// They are computed by polynomials instead of libm, so the bits are the same on every CPU.
/// Preconditions: 0 ≤ position < 2²⁰, theta ≥ 1.
void rope_angles(
    std::int64_t position, double theta, std::int64_t head_width, float* cosines, float* sines
);

/// Returns exp(x), bit for bit as every level computes it. The relative error is below 2⁻²²;
/// exp(−inf) is 0, and an overflow gives +inf.
[[nodiscard]] float portable_exp(float x);

/// Returns the CPU core type for which OpenBLAS chose its kernels, or "" without OpenBLAS.
[[nodiscard]] std::string_view openblas_core();
/// Returns the value that the environment variable `OPENBLAS_CORETYPE` must have when OpenBLAS is
/// loaded on this CPU, or "" if it may be unset. OpenBLAS 0.3.21 does not know newer Xeons and
/// would use its slowest kernels on them.
[[nodiscard]] std::string_view openblas_core_wanted();

} // namespace headroom::kernels
