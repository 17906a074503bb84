// Chooses the kernel level (the set of arithmetic functions) that all devices of a run use, so that
// all compute the same bits. The bits of OpenBLAS depend on the CPU core type. So either all
// devices use `openblas` with the same core type, or none does. In the second case all use the best
// of `reference`, `avx2` and `avx512` that every device offers; these three levels give equal bits.
#pragma once

#include <span>
#include <string>

#include "base/wire.hpp"
#include "kernels/kernels.hpp"

namespace headroom::runtime {

struct KernelOffer {
    /// The level that the user requested. Without a request, it is the best level of this device.
    kernels::Level level = kernels::Level::reference;
    bool requested = false; ///< whether the user requested `level`; if `openblas`, all must use it
    /// The best of `reference`, `avx2` and `avx512` on this device.
    kernels::Level without_openblas = kernels::Level::reference;
    std::string openblas_core; ///< core type that OpenBLAS uses; empty: not available
    static auto wire_fields(auto& m) {
        return Fields() & m.level & m.requested & m.without_openblas & m.openblas_core;
    }
};

/// Returns the offer of this process. Precondition: kernels::available(level).
[[nodiscard]] KernelOffer kernel_offer(kernels::Level level, bool requested);

struct KernelChoice {
    kernels::Level level = kernels::Level::reference;
    std::string note;    ///< which devices keep others from faster kernels; or empty
    std::string problem; ///< why the requested levels cannot be combined; or empty
};

/// Returns the level for all devices. offers: one per device. hosts: the host of each device, for
/// the texts; empty if all devices are in one process.
[[nodiscard]] KernelChoice choose_kernels(
    std::span<const KernelOffer> offers, std::span<const std::string> hosts
);

} // namespace headroom::runtime
