// Sums whose bits do not depend on the order of addition. Each term is rounded once to fixed point,
// and the integers are added, which is associative. Devices may therefore form any partial sums in
// any order, and the total has the same bits. All levels share this one implementation.
//
// A sum is an integer number of steps of 2^-36 in 64 bits, so |sum| < 2^27, about 134 million. The
// runtime adds the partial sums of a layer in this way, before they join the residual stream; in
// real models such sums reach some thousands. A step of 1.5e-11 is finer than the last bit of any
// F32 of at least 2^-12. For smaller sums the absolute error is at most half a step per term.
//
// A sum cannot overflow, because add_exactly() accepts only terms that are smaller than the range
// divided by their number `terms`. This number counts the terms on all devices together, so whether
// a term is accepted does not depend on the device that adds it.
#pragma once

#include <cstdint>
#include <optional>

namespace headroom::kernels {

inline constexpr int kExactSumBits = 36; ///< binary places after the point

/// Returns 2^27 / terms, which the magnitude of every term must be below. Precondition: terms ≥ 1.
[[nodiscard]] double exact_sum_limit(std::int64_t terms);

/// Adds x[i], rounded to fixed point (to nearest, ties to even), to sums[i] for each i < n. `terms`
/// is the number of terms that each complete sum has, on all devices together. Returns the first i
/// whose x[i] is NaN, infinite or not below exact_sum_limit(terms), if there is one; x[i] and the
/// elements after it are then not added.
[[nodiscard]] std::optional<std::int64_t> add_exactly(
    const float* x, std::int64_t n, std::int64_t terms, std::int64_t* sums
);

void merge_exactly(const std::int64_t* other, std::int64_t n, std::int64_t* sums);

/// Sets y[i] to the float that is nearest to sums[i], for each i < n.
void round_exact_sums(const std::int64_t* sums, std::int64_t n, float* y);

} // namespace headroom::kernels
