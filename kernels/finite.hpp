// Checks for NaN, infinity and overflow in arrays of floats. The checks are as fast as reading
// memory, so that the runtime can check every result that it passes on.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace headroom::kernels {

/// Returns the index of the first element that is NaN or infinite, if there is one.
[[nodiscard]] std::optional<std::size_t> first_not_finite(std::span<const float> x);

/// Returns whether the squares of x can be summed in float, in any order, without overflow. If the
/// sum overflowed to infinity, RmsNorm would divide x by infinity and return zeros without an
/// error.
[[nodiscard]] bool squares_fit(std::span<const float> x);

} // namespace headroom::kernels
