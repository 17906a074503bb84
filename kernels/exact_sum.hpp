// Sums that do not depend on their order: terms are rounded once to fixed point and added as
// integers, which is associative. So partial sums may be formed anywhere, in any order and number,
// and the whole has the same bits. One implementation for all levels.
//
// A term is an integer number of steps of 2^-36 in 64 bits: |sum| < 2^27, about 134 million. What
// is added so are partial sums of a layer that then join the residual stream. Real models have
// values of some thousands there, which leaves four digits to spare; and a step of 1.5e-11 is finer
// than the last bit of any F32 from 2^-12 up, while the sum next meets a residual in F32. Below
// that the error is absolute, at most half a step per term.
//
// No sum can overflow unseen: of `terms` terms in all, none may exceed a terms-th part of the
// range. This limit counts all terms of the sum, wherever they are added, so that whether it
// holds does not depend on where they are either.
#pragma once

#include <cstdint>
#include <optional>

namespace headroom::kernels {

inline constexpr int kExactSumBits = 36; ///< binary places

/// No term may be as large: 2^27 / terms. terms ≥ 1.
[[nodiscard]] double exact_sum_limit(std::int64_t terms);

/// sums[i] += x[i] rounded to fixed point (to nearest, ties to even), i < n. `terms`: how many will
/// have been added to each sum in the end, here and elsewhere. Returns the first i whose x[i] is
/// NaN, infinite or not below the limit, and then nothing was added from it on; else nothing.
[[nodiscard]] std::optional<std::int64_t> add_exactly(
    const float* x, std::int64_t n, std::int64_t terms, std::int64_t* sums
);

/// sums[i] += other[i]: two parts of the same sums.
void merge_exactly(const std::int64_t* other, std::int64_t n, std::int64_t* sums);

/// y[i] = the float nearest to sums[i].
void round_exact_sums(const std::int64_t* sums, std::int64_t n, float* y);

} // namespace headroom::kernels
