// The kernel level `openblas`. It multiplies by F32 matrices of at least 16 columns with OpenBLAS's
// sgemv. Everything else is done by the first of avx512, avx2 and reference that the CPU supports.
#pragma once

#include "kernels/kernels.hpp"

namespace headroom::kernels::openblas {

[[nodiscard]] const Kernels& kernels();

} // namespace headroom::kernels::openblas
