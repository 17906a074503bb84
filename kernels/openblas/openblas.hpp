// The kernel level `openblas`. It multiplies by F32 matrices with OpenBLAS's sgemv if they have at
// least 16 columns. For up to 8 columns sgemv chooses its kernel by the number of rows, so a row's
// result would depend on the other rows; 16 is twice that limit. Everything else is done by the
// first of avx512, avx2 and reference that the CPU supports.
#pragma once

#include "kernels/kernels.hpp"

namespace headroom::kernels::openblas {

[[nodiscard]] const Kernels& kernels();

} // namespace headroom::kernels::openblas
