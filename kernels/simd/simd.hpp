// The tables of the SIMD levels. Each is compiled with its own instruction set and must only be
// used on a CPU that has it; levels.cpp asks the CPU.
#pragma once

#include "kernels/kernels.hpp"

namespace headroom::kernels::simd {

extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;

} // namespace headroom::kernels::simd
