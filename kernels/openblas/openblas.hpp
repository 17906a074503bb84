// The kernel level `openblas`: it computes products with F32 matrices by OpenBLAS's sgemv. All
// other functions are those of the best level of this room that the CPU supports.
#pragma once

#include "kernels/kernels.hpp"

namespace headroom::kernels::openblas {

[[nodiscard]] const Kernels& kernels();

} // namespace headroom::kernels::openblas
