// The openblas level: F32 products by sgemv, everything else by the best own level.
#pragma once

#include "kernels/kernels.hpp"

namespace headroom::kernels::openblas {

[[nodiscard]] const Kernels& kernels();

} // namespace headroom::kernels::openblas
