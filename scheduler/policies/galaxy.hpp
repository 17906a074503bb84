// Policy `galaxy`: tensor parallelism over all devices by their speed. Source: arXiv 2405.17245 as
// recorded in docs/explanation/baselines.md#galaxy. Static: a previous placement is kept.
//
// Every layer is split alike: groups (heads) and slices (FFN columns) in proportion to V_d, the
// inverse of what all layers take on device d alone, whole numbers by largest remainder. What a
// device has no memory for is shifted to devices with free memory in proportion to their V_d,
// repeatedly: groups first, then slices into what is left, and the other way round if that does not
// do. It needs granularity `sliced`; its all-reduce is the lowering option Reduce::ring.
//
// Left open there and chosen here: the layers' hubs are on the source; so are embed and lm_head, or
// each on the fastest device with room if the source has none.
#pragma once

#include <cstdint>
#include <vector>

#include "scheduler/policies/policy.hpp"

namespace headroom::scheduler {

class Galaxy final : public Policy {
  public:
    [[nodiscard]] std::string_view name() const override { return "galaxy"; }
    [[nodiscard]] Decision decide(const Problem& problem) const override;
};

/// `total` units over devices in proportion to `speeds` (each above 0), whole numbers by largest
/// remainder (ties: lowest device), never more than `most` each: what is over is shared out again
/// among those below their limit. Adds up to less than total if the limits do.
[[nodiscard]] std::vector<std::int64_t> proportional_shares(
    std::int64_t total, const std::vector<double>& speeds, const std::vector<std::int64_t>& most
);

} // namespace headroom::scheduler
