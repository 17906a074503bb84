// Policies `edgeshard` and `edgeshard_throughput` give each device contiguous layers (a shard),
// found by dynamic programming. The first minimises the latency of one sequence, the second the
// time of the slowest stage of a full pipeline. A previous placement is kept. Source: arXiv
// 2405.14371 as recorded in docs/explanation/baselines.md#edgeshard.
//
// From the paper: the first shard is on the source, the result returns to it, and every device has
// at most one shard, which fits in its memory. Chosen here: embed and lm_head are on the source,
// and its stage includes lm_head. Latencies of links count for the latency of a sequence, but not
// for the time of a stage, because a latency occupies no resource. Of pipelines with equally slow
// stages the one with the least latency is taken. shard_chain.hpp states when the result is exact,
// layer_costs.hpp which devices are considered in fleets of more than 32.
#pragma once

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

[[nodiscard]] Decision decide_edgeshard(const Problem& problem);
[[nodiscard]] Decision decide_edgeshard_throughput(const Problem& problem);

} // namespace headroom::scheduler
