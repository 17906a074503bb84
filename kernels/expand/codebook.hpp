// The 16 integers that the nibbles of iq4_nl and iq4_xs stand for.
#pragma once

#include <cstdint>

namespace headroom::kernels {

inline constexpr std::int8_t kCodebook[16] = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

} // namespace headroom::kernels
