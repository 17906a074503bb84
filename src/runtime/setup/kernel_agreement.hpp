// Chooses the kernel level that all devices of a run use, so that all compute the same bits.
// reference, avx2 and avx512 give the same bits as each other, so the lowest level that a device
// offers is chosen. OpenBLAS gives other bits, which also depend on the CPU core type that it is
// set to, so either all devices use it with the same core type or none does.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/wire.hpp"
#include "kernels/kernels.hpp"

namespace headroom::runtime {

struct KernelOffer {
    kernels::Level level = kernels::Level::reference; ///< the best level, or the requested one
    bool requested = false; ///< the user requested the level; the run fails if not all can use it
    /// The best of reference, avx2 and avx512 on this device.
    kernels::Level without_openblas = kernels::Level::reference;
    std::string openblas_core; ///< the core type that OpenBLAS uses; empty: it is not built in
    static auto wire_fields(auto& m) {
        return Fields() & m.level & m.requested & m.without_openblas & m.openblas_core;
    }
};

/// Returns the offer of this process. Precondition: available(level).
[[nodiscard]] KernelOffer kernel_offer(kernels::Level level, bool requested);

struct KernelChoice {
    kernels::Level level = kernels::Level::reference;
    std::string note;    ///< which devices lack better kernels that others have; or empty
    std::string problem; ///< why the requested levels cannot be combined; or empty
};

/// Returns the level for all devices. offers: one per device. hosts: see fleet_text.
[[nodiscard]] KernelChoice choose_kernels(
    std::span<const KernelOffer> offers, std::span<const std::string> hosts
);

} // namespace headroom::runtime
