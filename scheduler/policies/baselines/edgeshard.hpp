// Policies `edgeshard` and `edgeshard_throughput` split the layers into shards, which are
// consecutive layers on one device, by dynamic programming. `edgeshard` minimises the latency of
// one sequence. `edgeshard_throughput` minimises the time of the slowest stage of a pipeline, in
// which each device works on a different sequence at any moment. Both decide once: later decisions
// keep the first placement, or are infeasible if it no longer fits. The algorithms are those of
// arXiv 2405.14371, see docs/explanation/baselines.md#edgeshard.
//
// From the paper: the first shard is on the source (the device where prompts come in), the last
// shard sends its result back to the source, and every device has at most one shard, which fits in
// its memory. Chosen here: embed and lm_head are on the source, and their time counts as part of
// the source's stage. The handling of messages (message overhead) counts as part of a device's
// stage. The latency of a link counts for the latency of a sequence. It does not count for the time
// of a stage, because the link can carry other messages meanwhile. Of pipelines with equally slow
// stages the one with the least latency is taken. layers/shard_chain.hpp states when the result is
// optimal, and cost/layer_costs.hpp which devices are considered in fleets of more than 32.
#pragma once

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

[[nodiscard]] Decision decide_edgeshard(const Problem& problem);
[[nodiscard]] Decision decide_edgeshard_throughput(const Problem& problem);

} // namespace headroom::scheduler
