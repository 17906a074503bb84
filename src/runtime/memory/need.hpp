// What the memory of a fleet must hold for a decision, if its devices were one.
#pragma once

#include <algorithm>

#include "base/units.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::runtime {

/// What the model takes at the horizon, and what the fleet has for it.
struct Need {
    Bytes weights = 0;
    Bytes caches = 0;
    Bytes buffers = 0; ///< on each device that holds blocks
    Bytes budget = 0;  ///< of all devices, each less its buffers
    /// How much more there would have to be, if devices were one; 0: enough.
    [[nodiscard]] Bytes lacking() const { return std::max<Bytes>(0, weights + caches - budget); }
};

[[nodiscard]] Need need_of(const scheduler::Problem& question);

/// No placement can have so much: asking a policy would only take its time.
[[nodiscard]] bool is_out_of_reach(const scheduler::Problem& question);

} // namespace headroom::runtime
