// The kernel level `openblas`: it multiplies by F32 matrices with OpenBLAS's sgemv. For everything
// else it uses the best of the levels avx512, avx2 and reference that the CPU supports.
#pragma once

#include "kernels/kernels.hpp"

namespace headroom::kernels::openblas {

[[nodiscard]] const Kernels& kernels();

} // namespace headroom::kernels::openblas
