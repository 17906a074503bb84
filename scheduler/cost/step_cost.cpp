// The rules for messages (docs/explanation/time.md#messages) for constant rates.
#include "scheduler/cost/step_cost.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "scheduler/cost/stages/exchange_stage.hpp"
#include "scheduler/rates/profile.hpp"

namespace headroom::scheduler {
namespace {

constexpr std::size_t kMaxTabulated = 64; // the largest fleet whose pairs of devices are tabulated

/// Returns to how many tokens the last of `context` tokens attends, in layers without a window and
/// with one.
CacheRows attended_at(const ModelShape& shape, std::int64_t context) {
    return {context, shape.window > 0 ? std::min(context, shape.window) : context};
}

/// Returns the mean of attended_at(T + λ) over the sequences in flight, rounded up; costs are
/// linear in it.
CacheRows mean_attended(const Problem& problem) {
    const ModelShape& shape = problem.blocks->shape();
    if (problem.sequences.empty()) {
        return attended_at(shape, problem.horizon());
    }
    CacheRows sum;
    for (const InFlight& sequence : problem.sequences) {
        sum += attended_at(shape, sequence.context + problem.interval);
    }
    const std::int64_t n = problem.in_flight();
    return {(sum.all + n - 1) / n, (sum.windowed + n - 1) / n};
}

/// Returns how long the weights of one type take, read once and multiplied with `tokens` vectors:
/// many vectors at the rate for prefill if that is faster, but never less time than one.
Nanoseconds weight_time(
    const TypeRates<PerSecond>& rates, const WeightWork& work, std::int64_t tokens
) {
    const auto compute = [&](PerSecond rate, std::int64_t n) {
        return bounded_duration(rate, n * work.flops);
    };
    const Nanoseconds computed =
        tokens == 1
            ? compute(rates.compute, 1)
            : std::max(
                  compute(rates.compute, 1),
                  std::min(compute(rates.compute, tokens), compute(rates.prefill_compute, tokens))
              );
    return std::max(computed, bounded_duration(rates.memory_bandwidth, work.touched));
}

} // namespace

Nanoseconds bounded_duration(PerSecond rate, std::int64_t work) {
    constexpr std::int64_t kNarrow = std::numeric_limits<std::int64_t>::max() / kSecond;
    if (work <= 0 || work > kNarrow || rate <= 0 || rate == kUnlimited) {
        return std::min(finish(rate, 0, work), kStall);
    }
    const auto nanoseconds = static_cast<std::uint64_t>(work) * static_cast<std::uint64_t>(kSecond);
    const auto per_second = static_cast<std::uint64_t>(rate);
    return std::min(static_cast<Nanoseconds>((nanoseconds + per_second - 1) / per_second), kStall);
}

StepDelay::StepDelay(const Problem& problem) : StepDelay(problem, 1, problem.horizon()) {}

StepDelay::StepDelay(const Problem& problem, std::int64_t batch)
    : StepDelay(problem, batch, mean_attended(problem)) {}

StepDelay::StepDelay(const Problem& problem, std::int64_t batch, std::int64_t context)
    : StepDelay(problem, batch, attended_at(problem.blocks->shape(), context)) {}

StepDelay::StepDelay(const Problem& problem, std::int64_t batch, const CacheRows& attended)
    : blocks_(problem.blocks), snapshot_(&problem.snapshot), devices_(problem.snapshot.size()),
      source_(problem.source.index()), context_(attended), batch_(batch),
      x_bytes_(batch * problem.blocks->shape().width * kFloatBytes),
      group_bytes_(
          batch * problem.blocks->shape().heads_per_group() * problem.blocks->shape().head_width() *
          kFloatBytes
      ),
      groups_(problem.blocks->groups()), slices_(problem.blocks->slices()),
      rule_(order_matters(problem.snapshot) ? Rule::ordered : Rule::free) {
    if (problem.cost_profile == CostProfile::paper) {
        rule_ = problem.paper.gather == PaperGather::sum ? Rule::formula_sum : Rule::formula_max;
        time_formula(problem);
    } else {
        time_operations();
    }
    if (devices_ <= kMaxTabulated) {
        tabulate_links();
    }
}

void StepDelay::time_operations() {
    const ModelShape& shape = blocks_->shape();
    for (const Snapshot::Device& device : snapshot_->devices) {
        overhead_.push_back(std::min(kStall, device.operation_overhead));
    }
    for (std::int32_t l = 0; l < shape.layers; ++l) {
        const auto layer = static_cast<std::size_t>(l);
        const bool repeats = l > 0 && blocks_->alike(l, l - 1);
        for (std::size_t d = 0; d < devices_; ++d) {
            const std::size_t previous = (layer - 1) * devices_ + d; // valid only if repeats
            const BlockId group = blocks_->group(l, 0);
            group_.push_back(repeats ? group_[previous] : operation(group, d));
            if (blocks_->splits_groups()) {
                products_.push_back(
                    repeats ? products_[previous] : operation(group, d, BlockPart::products)
                );
            }
            proj_.push_back(
                sliced()  ? overhead_[d]
                : repeats ? proj_[previous]
                          : overhead_[d] + operation(blocks_->proj(l), d)
            );
            const BlockId last =
                sliced() ? largest_unit_of(*blocks_, Unit::slice, layer) : blocks_->ffn(l);
            const Nanoseconds before = sliced() ? 0 : overhead_[d];
            ffn_.push_back(repeats ? ffn_[previous] : before + operation(last, d));
        }
    }
    for (std::size_t d = 0; d < devices_; ++d) {
        lm_head_.push_back(shape.has_ends ? overhead_[d] + operation(blocks_->lm_head(), d) : 0);
    }
}

void StepDelay::tabulate_links() {
    stride_ = static_cast<std::size_t>(sliced() ? 2 : groups_) + 1;
    std::vector<Nanoseconds> links;
    std::vector<Nanoseconds> alone;
    std::vector<Nanoseconds> begins;
    std::vector<Nanoseconds> outputs;
    for (std::size_t from = 0; from < devices_; ++from) {
        for (std::size_t to = 0; to < devices_; ++to) {
            links.push_back(x_busy(from, to));
            alone.push_back(timed_x(from, to));
            begins.push_back(alone.back() + overhead_[to]);
            for (std::size_t n = 0; n < stride_; ++n) {
                outputs.push_back(timed_outputs(from, to, static_cast<std::int32_t>(n)));
            }
        }
    }
    x_link_ = std::move(links);
    x_alone_ = std::move(alone);
    x_begun_ = std::move(begins);
    outputs_ = std::move(outputs);
}

/// Returns the bytes that a device with n units sends: the outputs of its heads or, with
/// granularity `sliced`, one partial sum, which is twice as wide if it has several terms.
Bytes StepDelay::outputs_bytes(std::int32_t n) const {
    return sliced() ? std::min(n, 2) * x_bytes_ : n * group_bytes_;
}

/// Returns the time of a block's operations without overhead.
Nanoseconds StepDelay::operation(BlockId b, std::size_t d) const {
    Nanoseconds time = 0;
    for (const BlockPart part : blocks_->parts_of(b)) {
        time += operation(b, d, part);
    }
    return time;
}

/// Returns the time of one operation without overhead: one piece at the device's own rates, then
/// one for each weight type with rates of its own (Rates::operation in core/fleet.hpp).
Nanoseconds StepDelay::operation(BlockId b, std::size_t d, BlockPart part) const {
    const Snapshot::Device& device = snapshot_->devices[d];
    const std::int64_t first = (blocks_->window(b) > 0 ? context_.windowed : context_.all) - 1;
    const Bytes cache = part == BlockPart::products ? 0 : blocks_->cache_touched_bytes(b, first, 1);
    OperationCost cost{
        batch_ * blocks_->flops(b, first, 1, part),
        blocks_->touched_weights(b, batch_, part) + batch_ * cache,
        true,
        batch_,
        blocks_->weights(b, part),
        blocks_->shape().experts_touched(batch_)};
    Nanoseconds typed = 0;
    for (const TypeRates<PerSecond>& rates : device.rates) {
        typed += weight_time(rates, cost.of(rates.type), batch_);
        cost.leave_out(rates.type);
    }
    return typed + std::max(
                       bounded_duration(device.compute, cost.flops),
                       bounded_duration(device.memory_bandwidth, cost.touched)
                   );
}

StepDelay::MessageTimes StepDelay::message_times(
    std::size_t from, std::size_t to, Bytes bytes, MediaShares shares
) const {
    return {
        std::max(
            bounded_duration(snapshot_->links[pair(from, to)].bandwidth, bytes),
            media_time(*snapshot_, from, to, bytes, shares)
        ),
        bounded_duration(snapshot_->devices[from].egress, bytes),
        bounded_duration(snapshot_->devices[to].ingress, bytes)};
}

Nanoseconds StepDelay::spacing(std::size_t from, std::size_t to, Nanoseconds busy) const {
    const Nanoseconds overhead =
        std::max(message_overhead(*snapshot_, from), message_overhead(*snapshot_, to));
    return (batch_ - 1) * std::max<Nanoseconds>(0, overhead - busy / batch_);
}

Nanoseconds StepDelay::alone(std::size_t from, std::size_t to, Bytes bytes) const {
    if (from == to) {
        return 0;
    }
    const MessageTimes w = message_times(from, to, bytes, lone_shares(*snapshot_, from, to));
    const Nanoseconds busy = std::max({w.link, w.egress, w.ingress});
    return link_delay(from, to) + busy + spacing(from, to, busy);
}

Nanoseconds StepDelay::timed_outputs(std::size_t from, std::size_t to, std::int32_t n) const {
    if (from == to) {
        return 0;
    }
    const PerSecond bandwidth = snapshot_->links[pair(from, to)].bandwidth;
    return uses_paper_formulas() ? formula_time(n * group_bytes_, bandwidth)
                                 : link_time(*snapshot_, from, to, outputs_bytes(n));
}

Nanoseconds StepDelay::x_busy(std::size_t from, std::size_t to) const {
    if (!x_link_.empty()) {
        return x_link_[pair(from, to)];
    }
    if (from == to) {
        return 0;
    }
    return uses_paper_formulas()
               ? bounded_duration(snapshot_->links[pair(from, to)].bandwidth, x_bytes_)
               : link_time(*snapshot_, from, to, x_bytes_);
}

/// Returns 0 for the published formula, which does not count the transfer of x to the groups.
Nanoseconds StepDelay::timed_x(std::size_t from, std::size_t to) const {
    return uses_paper_formulas() ? 0 : alone(from, to, x_bytes_);
}

Nanoseconds StepDelay::id_time(std::size_t from, std::size_t to) const {
    return alone(from, to, batch_ * kTokenIdBytes);
}

Nanoseconds StepDelay::to_ffn(std::size_t from, std::size_t to) const {
    if (!uses_paper_formulas()) {
        return x_time(from, to);
    }
    return from == to ? 0 : formula_time(x_bytes_, snapshot_->links[pair(from, to)].bandwidth);
}

Nanoseconds StepDelay::finish(std::size_t activation_device, std::size_t lm_head) const {
    if (uses_paper_formulas()) {
        return 0;
    }
    if (!blocks_->shape().has_ends) {
        return x_time(activation_device, source_);
    }
    return x_time(activation_device, lm_head) + lm_head_[lm_head] + id_time(lm_head, source_);
}

Nanoseconds StepDelay::host_rank(
    std::size_t layer, BlockId b, std::size_t activation_device, std::size_t d
) const {
    switch (blocks_->name(b).kind) {
    case BlockKind::proj:
        return to_ffn(activation_device, d) + proj_[layer * devices_ + d];
    case BlockKind::ffn:
        return from_proj(layer, activation_device, d);
    default:
        return to_ffn(activation_device, d) + layer_alone(layer, d);
    }
}

Nanoseconds StepDelay::gather(
    std::size_t activation_device, std::size_t target, const Spread& spread
) const {
    // The link from the activation device to the target carries up to three messages: the input of
    // the units, x, and the outputs.
    Nanoseconds link_free = 0;
    Nanoseconds ready = 0;
    if (target != activation_device) {
        link_free = x_busy(activation_device, target) * (spread.counts[target] > 0 ? 2 : 1);
        ready = link_free + link_latency(activation_device, target);
    }
    for (std::size_t j = 0; j < devices_; ++j) {
        const std::int32_t n = spread.counts[j];
        if (n == 0) {
            continue;
        }
        Nanoseconds t = begun(activation_device, j) + n * spread.each[j];
        if (j != target) {
            t = j == activation_device ? std::max(t, link_free) : t;
            t += outputs_time(j, target, n) + link_latency(j, target);
        }
        ready = std::max(ready, t);
    }
    return ready;
}

Nanoseconds StepDelay::until_proj(
    std::size_t layer, std::size_t activation_device, const LayerShape& shape
) const {
    const Nanoseconds inputs = uses_paper_formulas() ? gather_by_formula(layer, shape)
                                                     : group_stage(layer, activation_device, shape);
    return inputs + proj_[layer * devices_ + shape.proj];
}

/// Returns when the device of proj has x and the outputs of all groups, if x is sent at time 0.
Nanoseconds StepDelay::group_stage(
    std::size_t layer, std::size_t activation_device, const LayerShape& shape
) const {
    if (exchanges(shape)) {
        return ExchangeStage(*this, layer, activation_device, shape).run();
    }
    const Spread spread{shape.groups, &group_[layer * devices_]};
    return rule_ == Rule::ordered ? gather_in_order(activation_device, shape.proj, spread)
                                  : gather(activation_device, shape.proj, spread);
}

bool StepDelay::exchanges(const LayerShape& shape) const {
    return !products_.empty() &&
           std::count_if(shape.groups, shape.groups + devices_, [](std::int32_t n) {
               return n > 0;
           }) > 1;
}

std::vector<Nanoseconds> StepDelay::sums_complete(
    std::size_t layer, std::size_t activation_device, const LayerShape& shape
) const {
    return ExchangeStage(*this, layer, activation_device, shape).sums_complete();
}

Bytes StepDelay::sums_bytes(std::int32_t n) const {
    return batch_ * n * kNormSumBytes;
}

Nanoseconds StepDelay::until_proj_of(
    std::size_t layer,
    std::size_t activation_device,
    std::size_t proj,
    std::size_t j,
    std::int32_t n,
    bool beside
) const {
    const bool sends = activation_device != proj;
    const Nanoseconds link_free = sends ? x_busy(activation_device, proj) * (beside ? 2 : 1) : 0;
    const Nanoseconds input = sends ? link_free + link_latency(activation_device, proj) : 0;
    Nanoseconds t = begun(activation_device, j) + n * group_time(layer, j);
    if (j != proj) {
        t = j == activation_device ? std::max(t, link_free) : t;
        t += outputs_time(j, proj, n) + link_latency(j, proj);
    }
    return std::max(input, t) + proj_time(layer, proj);
}

Nanoseconds StepDelay::through_slices(
    std::size_t layer, std::size_t hub, const std::int32_t* slices
) const {
    const Spread spread{slices, &ffn_[layer * devices_]};
    const Nanoseconds outputs =
        rule_ == Rule::ordered ? gather_in_order(hub, hub, spread) : gather(hub, hub, spread);
    return outputs + overhead_[hub];
}

} // namespace headroom::scheduler
