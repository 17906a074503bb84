// Which kernels all devices of a run use, from what each offers. Pure.
//
// reference, avx2 and avx512 give the same bits, so the lowest that a device offers does for all.
// OpenBLAS has bits of its own, which moreover depend on the core that it runs with: it is used by
// all devices with one core or by none.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "kernels/kernels.hpp"

namespace headroom::runtime {

struct KernelOffer {
    kernels::Level level = kernels::Level::reference; ///< the best here, or what it was told to use
    bool told = false;                                ///< by the user: others follow, or it fails
    kernels::Level own = kernels::Level::reference;   ///< the best of reference, avx2, avx512 here
    std::string openblas_core;                        ///< empty: OpenBLAS is not built in
};

/// What this process offers. Precondition: available(level).
[[nodiscard]] KernelOffer offer_of(kernels::Level level, bool told);

struct KernelChoice {
    kernels::Level level = kernels::Level::reference;
    std::string note;    ///< who held others back; empty if nobody did
    std::string problem; ///< not empty: what the devices were told to use cannot be combined
};

/// offers: per device. hosts: per device, or empty.
[[nodiscard]] KernelChoice choose_kernels(
    std::span<const KernelOffer> offers, std::span<const std::string> hosts
);

} // namespace headroom::runtime
