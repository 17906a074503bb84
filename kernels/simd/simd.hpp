// The function tables of the levels `avx2` and `avx512`. Each is compiled for its own instruction
// set and must only be used on a CPU that supports the set; levels.cpp checks that.
#pragma once

#include "kernels/kernels.hpp"

namespace headroom::kernels::simd {

extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;

} // namespace headroom::kernels::simd
