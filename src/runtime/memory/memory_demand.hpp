// The memory that a problem needs, and the memory that the fleet has, each summed over all devices.
// If the first sum is larger than the second, no placement fits.
#pragma once

#include <algorithm>

#include "base/units.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::runtime {

struct MemoryDemand {
    Bytes weights = 0; ///< all weights of the model
    Bytes caches = 0;  ///< KV caches of all sequences at the contexts that the decision plans for
    Bytes buffers = 0; ///< the buffers that each device with a block needs
    Bytes budget = 0;  ///< the sum over all devices of memory minus buffers
    /// Returns the bytes that the fleet lacks; 0 if weights and caches fit into `budget`.
    [[nodiscard]] Bytes lacking() const { return std::max<Bytes>(0, weights + caches - budget); }
};

[[nodiscard]] MemoryDemand memory_demand(const scheduler::Problem& problem);

/// Returns whether the demand exceeds the memory of the whole fleet, so that no policy can find a
/// feasible placement. Always false under cost profile `paper`, which counts memory differently.
[[nodiscard]] bool exceeds_total_memory(const scheduler::Problem& problem);

} // namespace headroom::runtime
