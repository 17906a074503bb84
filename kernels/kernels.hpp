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

#include <cstddef>
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

/// Rows of keys and values outside of the pages of a cache: those of the tokens of a turn in a
/// layer with a window, which are copied to the cache after the turn.
struct ChunkRows {
    const std::byte* keys = nullptr;   ///< stored rows without gaps, 4-byte aligned; null: no rows
    const std::byte* values = nullptr; ///< likewise
    std::int64_t first = 0;            ///< the number of the first of them among all rows
};

/// The arguments of the attention of one group (a K/V head with its query heads) for one token.
struct Attention {
    const float* queries = nullptr; ///< (q, d), after rope
    /// ceil(T/16) pages: keys (16, d), then values (16, d), stored rows of `type` without gaps. F32
    /// pages are 4-byte aligned.
    const std::byte* const* pages = nullptr;
    WeightType type = WeightType::f32; ///< one of kCacheTypes; q8_0 needs d mod 32 = 0
    float* scores = nullptr;           ///< scratch memory, (T)
    float* out = nullptr;              ///< (q, d)
    std::int64_t heads = 1;            ///< q
    std::int64_t head_width = 0;       ///< d
    std::int64_t context = 0;          ///< T ≥ 1, the number of cache rows, used or not
    std::int64_t first = 0;            ///< rows before this one are not attended to; below T
    float scale = 0;                   ///< factor of q·k; 0 stands for 1/sqrt(d)
    float softcap = 0;                 ///< c: a score s becomes c·tanh(s/c); 0: it stays s
    /// R: the pages are a ring of R pages, and row t is in page ⌊t/16⌋ mod R. 0: in page ⌊t/16⌋.
    std::int64_t ring = 0;
    ChunkRows chunk{}; ///< if there are any, they are the rows chunk.first … T−1
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
/// Rotates r/2 pairs of each head by the angles with cosines cosines[i] and sines sines[i], i <
/// r/2; r is `rotated`, even and at most d. The elements from r on stay. `rope` takes neighbours as
/// pairs, x[2i] and x[2i+1]; `rope_halves` takes x[i] and x[i + r/2]. x has shape (heads, d) and is
/// changed in place.
using Rope = void(
    float* x,
    std::int64_t heads,
    std::int64_t head_width,
    std::int64_t rotated,
    const float* cosines,
    const float* sines
);
/// For each query head, computes the scores q·k · scale of the cache rows first … T−1, caps them if
/// there is a softcap, and computes their softmax and the sum of the values with the softmax as
/// weights. Pages that have only rows before `first` are not read, and may be null. The bits do not
/// depend on which rows are in pages, in a ring of pages or in a chunk.
using Attend = void(const Attention& attention);
/// gate[i] = f(gate[i]) · up[i]. In silu_gate f(z) = z / (1 + exp(−z)). In gelu_gate f is GELU in
/// its tanh form: f(z) = z/2 · (1 + tanh(√(2/π) · (z + 0.044715·z³))).
using Gate = void(float* gate, const float* up, std::int64_t n);
/// x[i] = cap · tanh(x[i] / cap), cap > 0.
using SoftCap = void(float* x, std::int64_t n, float cap);
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
    Rope* rope_halves = nullptr;
    Attend* attention = nullptr;
    Gate* silu_gate = nullptr;
    Gate* gelu_gate = nullptr;
    SoftCap* softcap = nullptr;
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
/// Stores x as one row of a KV cache: row_bytes(type, x.size()) bytes at `out`. `type` is one of
/// kCacheTypes. Each number is rounded to the nearest one of the type, ties to even; for q8_0 see
/// docs/reference/arithmetic.md. Returns the index of the first element that `type` cannot hold: in
/// f16, bf16 and q8_0 that is a number which is too large or not finite. F32 holds every float.
[[nodiscard]] std::optional<std::int64_t> store_row(
    WeightType type, std::span<const float> x, std::byte* out
);
/// Writes the cosine and sine of position · theta^(−2i/d) for each i < d/2, with errors below 10⁻⁷.
/// They are computed by polynomials instead of libm, so the bits are the same on every CPU.
/// Preconditions: 0 ≤ position < 2²⁰, theta ≥ 1.
void rope_angles(
    std::int64_t position, double theta, std::int64_t head_width, float* cosines, float* sines
);
/// Returns theta^(−2i/width), the frequency of pair i. Preconditions: 0 ≤ i < width/2, theta > 0.
[[nodiscard]] double rope_frequency(double theta, std::int64_t i, std::int64_t width);
/// Sets `cosine` and `sine` to those of position · frequency, times `magnitude`. Precondition: 0 ≤
/// position · frequency < 2⁴⁰; the errors above hold below 2²⁰.
void rope_angle(
    std::int64_t position, double frequency, double magnitude, float& cosine, float& sine
);
/// Returns the natural logarithm of x > 0, a normal number, with a relative error below 10⁻¹⁵, by
/// the same operations on every CPU.
[[nodiscard]] double portable_log(double x);

/// Returns exp(x), bit for bit as every level computes it. The relative error is below 2⁻²²;
/// exp(−inf) is 0, and an overflow gives +inf.
[[nodiscard]] float portable_exp(float x);
/// Returns tanh(x), bit for bit as every level computes it. The relative error is below 10⁻⁶.
[[nodiscard]] float portable_tanh(float x);

/// Returns the CPU core type for which OpenBLAS chose its kernels, or "" without OpenBLAS.
[[nodiscard]] std::string_view openblas_core();
/// Returns the value that the environment variable `OPENBLAS_CORETYPE` must have when OpenBLAS is
/// loaded on this CPU, or "" if it may be unset. OpenBLAS 0.3.21 does not know newer Xeons and
/// would use its slowest kernels on them.
[[nodiscard]] std::string_view openblas_core_wanted();

} // namespace headroom::kernels
