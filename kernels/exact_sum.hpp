// Sums whose bits do not depend on the order of addition. Each term is rounded once to fixed point,
// and the integers are added, which is associative. Devices may therefore form any partial sums in
// any order, and the total has the same bits. All kernel levels use this implementation.
//
// A sum is a 64-bit integer that counts steps of 2^-36, so |sum| < 2^27, about 134 million. The
// runtime adds the partial sums of a layer in this way, before the total is added to the residual
// stream; in real models such sums reach some thousands. A term is a float, which has 24
// significant bits. If its magnitude is 2^-13 or more, it is therefore a whole number of steps. Any
// other term is rounded to steps, with an error of at most 7.3e-12.
//
// A sum cannot overflow, because add_exactly() accepts only terms of a magnitude below 2^27 /
// `terms`. Here `terms` is the number of terms that the complete sum has, on all devices together.
// So whether a term is accepted does not depend on the device that adds it.
#pragma once

#include <cstdint>
#include <optional>

namespace headroom::kernels {

inline constexpr int kExactSumBits = 36; ///< binary places after the point

/// Returns 2^27 / terms. Every term must be smaller in magnitude. Precondition: terms ≥ 1.
[[nodiscard]] double exact_sum_limit(std::int64_t terms);

/// Adds x[i], rounded to fixed point (to nearest, ties to even), to sums[i] for each i < n. `terms`
/// is the number of terms that each complete sum has, on all devices together. If an x[i] is NaN or
/// |x[i]| ≥ exact_sum_limit(terms), returns the first such i; x[i] and the elements after it are
/// then not added.
[[nodiscard]] std::optional<std::int64_t> add_exactly(
    const float* x, std::int64_t n, std::int64_t terms, std::int64_t* sums
);

void merge_exactly(const std::int64_t* other, std::int64_t n, std::int64_t* sums);

/// Sets y[i] to the float that is nearest to sums[i] · 2^-36, for each i < n.
void round_exact_sums(const std::int64_t* sums, std::int64_t n, float* y);

} // namespace headroom::kernels
