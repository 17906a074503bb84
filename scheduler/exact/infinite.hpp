// The numbers that stand for what is impossible and for no device.
#pragma once

#include <cstddef>
#include <limits>

namespace headroom::scheduler::exact {

inline constexpr double kInfinite = std::numeric_limits<double>::infinity();
inline constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();

} // namespace headroom::scheduler::exact
