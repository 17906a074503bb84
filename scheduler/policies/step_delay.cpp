// See step_delay.hpp. Follows design.md §4's rules for messages, specialised to constant rates.
#include "scheduler/policies/step_delay.hpp"

#include <algorithm>

#include "scheduler/profile.hpp"

namespace headroom::scheduler {
namespace {

constexpr Bytes kFloat = 4;
constexpr Bytes kTokenId = 4;

Nanoseconds bounded(Nanoseconds t) {
    return std::min(t, kStall);
}

Nanoseconds duration(PerSecond rate, std::int64_t work) {
    return bounded(finish(rate, 0, work));
}

} // namespace

bool has_caps(const Snapshot& snapshot) {
    return std::any_of(snapshot.devices.begin(), snapshot.devices.end(), [](const auto& device) {
        return device.egress != kUnlimited || device.ingress != kUnlimited;
    });
}

StepDelay::StepDelay(const Problem& problem)
    : blocks_(problem.blocks), snapshot_(problem.snapshot), devices_(problem.snapshot.size()),
      source_(problem.source.index()), context_(problem.horizon()),
      x_bytes_(problem.blocks->shape().width * kFloat),
      group_bytes_(
          problem.blocks->shape().heads_per_group() * problem.blocks->shape().head_width() * kFloat
      ),
      groups_(problem.blocks->groups()), slices_(problem.blocks->slices()),
      rule_(has_caps(problem.snapshot) ? Rule::capped : Rule::free) {
    if (problem.cost_profile == CostProfile::paper) {
        rule_ = problem.paper.gather == PaperGather::sum ? Rule::formula_sum : Rule::formula_max;
        tabulate_formula(problem);
    } else {
        tabulate_execution();
    }
}

void StepDelay::tabulate_execution() {
    const ModelShape& shape = blocks_->shape();
    for (std::int32_t l = 0; l < shape.layers; ++l) {
        for (std::size_t d = 0; d < devices_; ++d) {
            group_.push_back(operation(blocks_->group(l, 0), d));
            proj_.push_back(sliced() ? 0 : operation(blocks_->proj(l), d));
            ffn_.push_back(operation(sliced() ? blocks_->slice(l, 0) : blocks_->ffn(l), d));
        }
    }
    for (std::size_t d = 0; d < devices_; ++d) {
        lm_head_.push_back(shape.ends ? operation(blocks_->lm_head(), d) : 0);
    }
    for (std::size_t from = 0; from < devices_; ++from) {
        for (std::size_t to = 0; to < devices_; ++to) {
            latency_.push_back(from == to ? 0 : bounded(snapshot_.links[pair(from, to)].latency));
            x_link_.push_back(from == to ? 0 : wire(from, to, x_bytes_).link);
            x_alone_.push_back(alone(from, to, x_bytes_));
            id_alone_.push_back(alone(from, to, kTokenId));
            for (std::int32_t n = 0; n <= groups_; ++n) {
                outputs_.push_back(from == to ? 0 : wire(from, to, output_bytes(n)).link);
            }
            for (std::int32_t n = 0; sliced() && n <= slices_; ++n) {
                slice_outputs_.push_back(from == to ? 0 : wire(from, to, output_bytes(n)).link);
            }
        }
    }
    to_ffn_ = x_alone_;
}

/// Groups send their heads' outputs; sliced: one partial sum, twice as wide with several terms.
Bytes StepDelay::output_bytes(std::int32_t n) const {
    return sliced() ? std::min(n, 2) * x_bytes_ : n * group_bytes_;
}

Nanoseconds StepDelay::operation(BlockId b, std::size_t d) const {
    const Snapshot::Device& device = snapshot_.devices[d];
    return std::max(
        duration(device.compute, blocks_->flops(b, context_ - 1, 1)),
        duration(device.memory_bandwidth, blocks_->touched_bytes(b, context_ - 1, 1))
    );
}

StepDelay::Wire StepDelay::wire(std::size_t from, std::size_t to, Bytes bytes) const {
    return {
        duration(snapshot_.links[pair(from, to)].bandwidth, bytes),
        duration(snapshot_.devices[from].egress, bytes),
        duration(snapshot_.devices[to].ingress, bytes)};
}

Nanoseconds StepDelay::alone(std::size_t from, std::size_t to, Bytes bytes) const {
    if (from == to) {
        return 0;
    }
    const Wire w = wire(from, to, bytes);
    return latency_[pair(from, to)] + std::max({w.link, w.send, w.take});
}

Nanoseconds StepDelay::finish(std::size_t holder, std::size_t lm_head) const {
    if (by_formula()) {
        return 0;
    }
    if (!blocks_->shape().ends) {
        return x_alone_[pair(holder, source_)];
    }
    return x_alone_[pair(holder, lm_head)] + lm_head_[lm_head] + small(lm_head, source_);
}

Nanoseconds StepDelay::partial(
    std::size_t layer, std::size_t holder, std::size_t j, std::size_t proj, std::int32_t n
) const {
    const auto stride = static_cast<std::size_t>(groups_) + 1;
    const Nanoseconds done = x_alone_[pair(holder, j)] + n * group_[layer * devices_ + j];
    return j == proj ? done
                     : done + outputs_[pair(j, proj) * stride + static_cast<std::size_t>(n)] +
                           latency_[pair(j, proj)];
}

Nanoseconds StepDelay::partial_of_slices(
    std::size_t layer, std::size_t hub, std::size_t j, std::int32_t n
) const {
    const auto stride = static_cast<std::size_t>(slices_) + 1;
    const Nanoseconds done = x_alone_[pair(hub, j)] + n * ffn_[layer * devices_ + j];
    return j == hub ? done
                    : done + slice_outputs_[pair(j, hub) * stride + static_cast<std::size_t>(n)] +
                          latency_[pair(j, hub)];
}

Nanoseconds StepDelay::gather(std::size_t holder, std::size_t target, const Spread& spread) const {
    const std::vector<Nanoseconds>& outputs = *spread.outputs;
    Nanoseconds link_free = 0; // of holder -> target: it carries the units' input, x, outputs
    Nanoseconds ready = 0;
    if (target != holder) {
        link_free = x_link_[pair(holder, target)] * (spread.counts[target] > 0 ? 2 : 1);
        ready = link_free + latency_[pair(holder, target)];
    }
    for (std::size_t j = 0; j < devices_; ++j) {
        const std::int32_t n = spread.counts[j];
        if (n == 0) {
            continue;
        }
        Nanoseconds t = x_alone_[pair(holder, j)] + n * spread.each[j];
        if (j != target) {
            const std::size_t out = pair(j, target);
            t = j == holder ? std::max(t, link_free) : t;
            t += outputs[out * spread.stride + static_cast<std::size_t>(n)] + latency_[out];
        }
        ready = std::max(ready, t);
    }
    return ready;
}

/// The same with egress and ingress caps: messages one by one, in the order of the programs.
Nanoseconds StepDelay::gather_capped(std::size_t holder, std::size_t target, const Spread& spread)
    const {
    const std::size_t p = target;
    Nanoseconds egress_free = 0;  // of the holder, the only device that sends more than once
    Nanoseconds link_free = 0;    // of holder -> target, the only link that carries more than one
    Nanoseconds ingress_free = 0; // of the target, the only one that receives more than once
    const bool held = snapshot_.devices[holder].egress != kUnlimited;
    const auto serve = [&](std::size_t to, Nanoseconds begin, Nanoseconds lat, const Wire& w) {
        const Nanoseconds arrival = begin + std::max(w.link, w.send) + lat;
        if (snapshot_.devices[to].ingress == kUnlimited) {
            return arrival;
        }
        Nanoseconds free = to == p ? ingress_free : 0;
        free = std::max(begin + lat, free) + w.take;
        ingress_free = to == p ? free : ingress_free;
        return std::max(arrival, free);
    };
    std::vector<Nanoseconds> done(devices_, 0); // first the input's arrival
    Nanoseconds x_begin = 0;
    for (std::size_t k = 0; k < devices_; ++k) {
        if (k == holder) {
            continue;
        }
        const Wire w = wire(holder, k, x_bytes_);
        if (spread.counts[k] > 0) {
            done[k] = serve(k, egress_free, latency_[pair(holder, k)], w);
            link_free = k == p ? egress_free + std::max(w.link, w.send) : link_free;
            egress_free += w.send;
        }
        if (k == p) {
            x_begin = std::max(link_free, egress_free);
            link_free = x_begin + std::max(w.link, w.send);
            egress_free = held ? x_begin + w.send : 0; // queueing on the link holds a capped egress
        }
    }
    Nanoseconds ready = 0;
    for (std::size_t j = 0; j < devices_; ++j) {
        if (j == holder && p != holder) {
            const Wire w = wire(holder, p, x_bytes_);
            ready = std::max(ready, serve(p, x_begin, latency_[pair(holder, p)], w));
        }
        const std::int32_t n = spread.counts[j];
        if (n == 0) {
            continue;
        }
        Nanoseconds t = done[j] + n * spread.each[j];
        if (j != p) {
            const Nanoseconds begin = j == holder ? std::max({t, link_free, egress_free}) : t;
            t = serve(p, begin, latency_[pair(j, p)], wire(j, p, output_bytes(n)));
        }
        ready = std::max(ready, t);
    }
    return ready;
}

Nanoseconds StepDelay::until_proj(std::size_t layer, std::size_t holder, const LayerShape& shape)
    const {
    const Spread spread = groups_of(layer, shape.groups);
    const Nanoseconds inputs = by_formula()            ? gather_by_formula(layer, shape)
                               : rule_ == Rule::capped ? gather_capped(holder, shape.proj, spread)
                                                       : gather(holder, shape.proj, spread);
    return inputs + proj_[layer * devices_ + shape.proj];
}

Nanoseconds StepDelay::through_slices(
    std::size_t layer, std::size_t hub, const std::int32_t* slices
) const {
    const Spread spread = slices_of(layer, slices);
    return rule_ == Rule::capped ? gather_capped(hub, hub, spread) : gather(hub, hub, spread);
}

} // namespace headroom::scheduler
