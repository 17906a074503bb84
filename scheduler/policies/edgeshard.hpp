// Policies `edgeshard` and `edgeshard_throughput` give each device consecutive layers (a shard),
// found by dynamic programming. `edgeshard` minimises the latency of one sequence,
// `edgeshard_throughput` the time of the slowest stage of a pipeline with a sequence in every
// stage. Both decide once: later decisions keep the first placement, or are infeasible if it no
// longer fits. The algorithms are those of arXiv 2405.14371, see
// docs/explanation/baselines.md#edgeshard.
//
// From the paper: the first shard is on the source (the device where prompts come in), the last
// shard sends its result back to the source, and every device has at most one shard, which fits in
// its memory. Chosen here: embed and lm_head are on the source, whose stage includes lm_head.
// Latencies of links count for the latency of a sequence, but not for the time of a stage, because
// a latency occupies no resource. Of pipelines with equally slow stages the one with the least
// latency is taken. shard_chain.hpp states when the result is optimal, and layer_costs.hpp states
// which devices are considered in fleets of more than 32.
#pragma once

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

[[nodiscard]] Decision decide_edgeshard(const Problem& problem);
[[nodiscard]] Decision decide_edgeshard_throughput(const Problem& problem);

} // namespace headroom::scheduler
