// Numbers that went astray: found as fast as they are read, so that they can be looked for wherever
// they would spread.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace headroom::kernels {

/// The first element that is NaN or infinite, if there is one.
[[nodiscard]] std::optional<std::size_t> first_not_finite(std::span<const float> x);

/// Can the squares of x be summed in float, whatever the order? A norm of x that overflows there
/// would be 0 without any sign of it.
[[nodiscard]] bool squares_fit(std::span<const float> x);

} // namespace headroom::kernels
