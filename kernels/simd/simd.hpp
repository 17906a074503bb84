// The function tables of the levels `avx2` and `avx512`. Each table's functions are compiled for
// one instruction set and must only be used on a CPU that supports it; levels.cpp checks that.
#pragma once

#include "kernels/kernels.hpp"

namespace headroom::kernels::simd {

extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;

} // namespace headroom::kernels::simd
