// The comments name the rule or formula that the following lines repeat.
#include "tests/scheduler/exact/enumeration_costs.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler::testing {
namespace {

constexpr std::size_t kKinds = 7;
constexpr Bytes kElement = 4;

std::size_t at(BlockKind kind) {
    return static_cast<std::size_t>(kind);
}

void check(const Problem& problem) {
    const ModelShape& shape = problem.blocks->shape();
    const bool f32 =
        std::all_of(shape.layer_types.begin(), shape.layer_types.end(), [](const LayerTypes& t) {
            return t == LayerTypes::all(WeightType::f32);
        });
    HEADROOM_CHECK(
        f32 && !shape.has_ends && !shape.norms && shape.heads == shape.kv_heads &&
            problem.buffers == 0 && !problem.weights_everywhere,
        "not an instance of the generator"
    );
    for (const Snapshot::Device& device : problem.snapshot.devices) {
        HEADROOM_CHECK(
            device.egress == kUnlimited && device.ingress == kUnlimited && device.compute > 0,
            "caps and stalls are not known here"
        );
    }
    HEADROOM_CHECK(
        !problem.blocks->sliced() || (problem.cost_profile == CostProfile::physical &&
                                      problem.blocks->cut().reduce == Reduce::hub),
        "sliced is known under the physical profile, with hubs"
    );
}

} // namespace

EnumerationCosts::EnumerationCosts(const Problem& problem)
    : snapshot_(problem.snapshot), devices_(problem.snapshot.size()),
      source_(problem.source.index()), paper_(problem.cost_profile == CostProfile::paper),
      sliced_(problem.blocks->sliced()), gathers_max_(problem.paper.gather == PaperGather::max),
      ordered_(
          !paper_ && std::any_of(
                         snapshot_.devices.begin(),
                         snapshot_.devices.end(),
                         [](const Snapshot::Device& device) {
                             return device.message_overhead > 0 || device.medium >= 0;
                         }
                     )
      ),
      interval_(static_cast<double>(std::max(problem.interval, problem.look_ahead))),
      t_budget_s_(problem.t_budget_s), amounts_(kKinds), block_times_(kKinds),
      parted_(!paper_ && problem.blocks->shape().qk_norm == QkNorm::width) {
    check(problem);
    if (paper_) {
        set_paper_amounts(problem);
    } else {
        set_physical_amounts(problem);
    }
    tabulate(problem);
}

/// docs/explanation/blocks.md#physical-costs, q = 1, w = 4 bytes.
void EnumerationCosts::set_physical_amounts(const Problem& problem) {
    const ModelShape& shape = problem.blocks->shape();
    const std::int64_t D = shape.width;
    const std::int64_t d = shape.head_width();
    const std::int64_t F = shape.ffn_width;
    const std::int64_t T = problem.context + problem.interval;
    const std::int64_t k = format_of(shape.kv_type).bytes;
    const std::int64_t matrices = shape.gated ? 3 : 2;
    const auto block = [&](BlockKind kind, std::int64_t weights, std::int64_t more_flops) {
        const Bytes bytes = weights * kElement;
        amounts_[at(kind)] = {bytes, bytes, 2 * weights + more_flops, bytes, 2 * weights, bytes};
    };
    block(BlockKind::group, (sliced_ ? 4 : 3) * d * D, 4 * T * d);
    amounts_[at(BlockKind::group)].memory += 2 * 16 * ((T + 15) / 16) * d * k;
    amounts_[at(BlockKind::group)].moved += 2 * problem.rows * d * k;
    amounts_[at(BlockKind::group)].touched += 2 * T * d * k;
    if (sliced_) {
        block(BlockKind::slice, matrices * D * (F / problem.blocks->slices()), 0);
    } else {
        block(BlockKind::proj, D * D, 0);
        block(BlockKind::ffn, matrices * D * F, 0);
    }
    x_bytes_ = D * kElement;
    group_bytes_ = d * kElement;
}

/// docs/explanation/head-level-partitioning.md#block-costs-of-profile-paper; D_mig has sizes as of
/// the end of the previous interval.
void EnumerationCosts::set_paper_amounts(const Problem& problem) {
    const ModelShape& shape = problem.blocks->shape();
    const std::int64_t D = shape.width;
    const std::int64_t d = shape.head_width();
    const auto memory = [&](BlockKind kind, std::int64_t context) -> Bytes {
        const std::int64_t n = std::max<std::int64_t>(0, context - problem.prompt);
        const std::int64_t L = problem.prompt + n;
        return kind == BlockKind::group  ? (3 * L * d + 3 * D * d + n * D) * kElement
               : kind == BlockKind::proj ? L * D * kElement
                                         : 4 * L * D * kElement;
    };
    const std::int64_t later = problem.context + problem.interval;
    const std::int64_t L = std::max(problem.prompt, later);
    const auto block = [&](BlockKind kind, Flops flops) {
        amounts_[at(kind)] = {memory(kind, later), memory(kind, problem.context), flops, 0, 0, 0};
    };
    block(BlockKind::group, 3 * L * D * d + L * L * d);
    block(BlockKind::proj, L * D * D);
    block(BlockKind::ffn, 8 * L * D * D);
    x_bytes_ = L * D * kElement;
    group_bytes_ = L * d * kElement;
}

void EnumerationCosts::tabulate(const Problem& problem) {
    for (std::size_t kind = 0; kind < kKinds; ++kind) {
        for (const Snapshot::Device& device : snapshot_.devices) {
            block_times_[kind].push_back(block_time(amounts_[kind], device));
        }
    }
    for (std::size_t d = 0; parted_ && d < devices_; ++d) {
        const std::int64_t weights =
            3 * problem.blocks->shape().head_width() * problem.blocks->shape().width;
        const Bytes bytes = weights * kElement;
        const Amounts products{0, 0, 2 * weights, bytes, 2 * weights, bytes};
        Amounts rest = amounts(BlockKind::group);
        rest.flops -= products.flops;
        rest.touched -= products.touched;
        rest.weight_flops -= products.weight_flops;
        rest.weight_bytes -= products.weight_bytes;
        products_time_.push_back(block_time(products, snapshot_.devices[d]));
        block_times_[at(BlockKind::group)][d] =
            products_time_[d] + block_time(rest, snapshot_.devices[d]);
    }
    for (std::size_t from = 0; from < devices_; ++from) {
        for (std::size_t to = 0; to < devices_; ++to) {
            x_transfer_time_.push_back(transfer_time(from, to, x_bytes_));
            const bool none = paper_ || from == to;
            latency_.push_back(
                none ? 0.0 : static_cast<double>(snapshot_.links[link(from, to)].latency)
            );
            std::vector<double> of_groups;
            for (std::int32_t n = 0; n <= problem.blocks->groups(); ++n) {
                of_groups.push_back(transfer_time(from, to, output_bytes(n)));
            }
            group_outputs_.push_back(of_groups);
            std::vector<double> of_slices;
            for (std::int32_t n = 0; n <= problem.blocks->slices(); ++n) {
                of_slices.push_back(transfer_time(from, to, output_bytes(n)));
            }
            slice_outputs_.push_back(of_slices);
        }
    }
}

/// Sliced: one D-vector of floats if one block adds to it, else of 8-byte sums.
Bytes EnumerationCosts::output_bytes(std::int32_t units) const {
    return !sliced_ ? units * group_bytes_ : units < 2 ? units * x_bytes_ : 2 * x_bytes_;
}

/// docs/explanation/time.md#operations: first what has the device's own rates, then the weights if
/// their type (here always F32) has rates of its own.
double EnumerationCosts::block_time(const Amounts& amounts, const Snapshot::Device& device) const {
    Flops flops = amounts.flops;
    Bytes touched = amounts.touched;
    double weights = 0.0;
    for (const TypeRates<PerSecond>& rates : device.rates) {
        if (rates.type == WeightType::f32 && !paper_) {
            flops -= amounts.weight_flops;
            touched -= amounts.weight_bytes;
            weights = std::max(
                time(amounts.weight_flops, rates.compute),
                time(amounts.weight_bytes, rates.memory_bandwidth)
            );
        }
    }
    return std::max(time(flops, device.compute), time(touched, device.memory_bandwidth)) + weights;
}

/// Returns the earliest nanosecond at which the work is done, or by the formulas the seconds.
double EnumerationCosts::time(std::int64_t work, PerSecond rate) const {
    if (rate == kUnlimited || work == 0) {
        return 0.0;
    }
    HEADROOM_CHECK(rate > 0, "a rate of 0");
    if (paper_) {
        return static_cast<double>(work) / static_cast<double>(rate);
    }
    __extension__ using Int128 = __int128;
    const Int128 scaled = Int128{work} * 1'000'000'000;
    return static_cast<double>((scaled + rate - 1) / rate);
}

double EnumerationCosts::transfer_time(std::size_t from, std::size_t to, Bytes bytes) const {
    return from == to ? 0.0 : time(bytes, snapshot_.links[link(from, to)].bandwidth);
}

Bytes EnumerationCosts::memory(BlockKind kind) const {
    return amounts(kind).memory;
}

Flops EnumerationCosts::compute(BlockKind kind) const {
    return paper_ ? amounts(kind).flops : 0;
}

bool EnumerationCosts::fits_memory(std::size_t device, Bytes held) const {
    return held <= snapshot_.devices[device].memory;
}

bool EnumerationCosts::fits_compute(std::size_t device, Flops in_layer) const {
    const double most = static_cast<double>(snapshot_.devices[device].compute) * t_budget_s_;
    return static_cast<double>(in_layer) <= most;
}

double EnumerationCosts::layer(std::size_t activation_device, const LayerUse& use) const {
    if (paper_) {
        return formula_layer(use);
    }
    if (sliced_) {
        const Stage groups = groups_of(use);
        const Stage slices{use.slices, time_of(BlockKind::slice), slice_outputs_};
        return run_units(activation_device, use.hub, groups) + overhead(use.hub) +
               run_units(use.hub, use.hub, slices) + overhead(use.hub);
    }
    const double projected = run_units(activation_device, use.proj, groups_of(use)) +
                             overhead(use.proj) + time_of(BlockKind::proj)[use.proj];
    return projected + hop(use.proj, use.ffn) + overhead(use.ffn) +
           time_of(BlockKind::ffn)[use.ffn];
}

/// Groups exchange nothing if one device has them all.
EnumerationCosts::Stage EnumerationCosts::groups_of(const LayerUse& use) const {
    const auto holders = std::ranges::count_if(use.groups, [](std::int32_t n) { return n > 0; });
    return {
        use.groups,
        time_of(BlockKind::group),
        group_outputs_,
        parted_ && holders > 1 ? products_time_ : std::vector<double>()};
}

/// Returns the time of x from one device to another when nothing else is sent.
double EnumerationCosts::hop(std::size_t from, std::size_t to) const {
    if (from == to) {
        return 0.0;
    }
    Clocks clocks{
        std::vector<double>(devices_, 0.0), std::vector<double>(devices_ * devices_, 0.0)};
    const double arrival = send(clocks, {from, to}, x_bytes_, {{from, to}});
    receive(clocks, to, arrival);
    return clocks.device[to];
}

/// docs/explanation/time.md#shared-media: how long the medium of this end is occupied by a message,
/// if it divides its capacity among all ends that the links of the phase have on it.
double EnumerationCosts::medium_time(std::size_t end, Bytes bytes, const std::vector<Link>& phase)
    const {
    const std::int32_t medium = snapshot_.devices[end].medium;
    if (medium < 0) {
        return 0.0;
    }
    std::int64_t ends = 0;
    for (const Link& each : phase) {
        ends += snapshot_.devices[each.first].medium == medium ? 1 : 0;
        ends += snapshot_.devices[each.second].medium == medium ? 1 : 0;
    }
    return time(bytes * ends, snapshot_.media[static_cast<std::size_t>(medium)]);
}

/// Returns when the message arrives. The sender first spends its overhead.
double EnumerationCosts::send(Clocks& clocks, Link way, Bytes bytes, const std::vector<Link>& phase)
    const {
    const auto [from, to] = way;
    clocks.device[from] += static_cast<double>(snapshot_.devices[from].message_overhead);
    double& free = clocks.link_free[link(from, to)];
    const double begin = std::max(clocks.device[from], free);
    free = begin + std::max(
                       {transfer_time(from, to, bytes),
                        medium_time(from, bytes, phase),
                        medium_time(to, bytes, phase)}
                   );
    return free + static_cast<double>(snapshot_.links[link(from, to)].latency);
}

void EnumerationCosts::receive(Clocks& clocks, std::size_t to, double arrival) const {
    clocks.device[to] = std::max(clocks.device[to], arrival) +
                        static_cast<double>(snapshot_.devices[to].message_overhead);
}

/// run_units() with message overheads and shared media.
double EnumerationCosts::run_units_in_order(
    std::size_t activation_device, std::size_t target, const Stage& stage
) const {
    Clocks clocks{
        std::vector<double>(devices_, 0.0), std::vector<double>(devices_ * devices_, 0.0)};
    std::vector<Link> inputs;
    std::vector<Link> outputs;
    for (std::size_t j = 0; j < devices_; ++j) {
        if (stage.counts[j] > 0 && j != activation_device) {
            inputs.emplace_back(activation_device, j);
        }
        if (stage.counts[j] > 0 && j != target) {
            outputs.emplace_back(j, target);
        }
    }
    std::vector<double> input_arrival(devices_, 0.0);
    double x_arrival = 0.0;
    const Link x{activation_device, target};
    for (std::size_t k = 0; k < devices_; ++k) {
        if (k != activation_device && stage.counts[k] > 0) {
            input_arrival[k] = send(clocks, {activation_device, k}, x_bytes_, inputs);
        }
        if (k != activation_device && k == target) {
            x_arrival = send(clocks, x, x_bytes_, {x});
        }
    }
    for (std::size_t k = 0; k < devices_; ++k) {
        if (stage.counts[k] > 0) {
            if (k != activation_device) {
                receive(clocks, k, input_arrival[k]);
            }
            const bool parted = !stage.first_part.empty();
            clocks.device[k] +=
                overhead(k) + stage.counts[k] * (parted ? stage.first_part[k] : stage.unit_time[k]);
        }
    }
    bool has_x = target == activation_device;
    if (!stage.first_part.empty()) {
        exchange(clocks, activation_device, target, x_arrival, stage);
        has_x = has_x || (stage.counts[target] > 0 && stage.counts[activation_device] > 0);
    }
    for (std::size_t j = 0; j < devices_; ++j) {
        if (j == activation_device && !has_x) {
            receive(clocks, target, x_arrival);
        }
        if (stage.counts[j] > 0 && j != target) {
            const Bytes bytes = output_bytes(stage.counts[j]);
            receive(clocks, target, send(clocks, {j, target}, bytes, outputs));
        }
    }
    return clocks.device[target];
}

void EnumerationCosts::exchange(
    Clocks& clocks,
    std::size_t activation_device,
    std::size_t target,
    double x_arrival,
    const Stage& stage
) const {
    std::vector<Link> links;
    for (std::size_t j = 0; j < devices_; ++j) {
        for (std::size_t k = 0; k < devices_; ++k) {
            if (j != k && stage.counts[j] > 0 && stage.counts[k] > 0) {
                links.emplace_back(j, k);
            }
        }
    }
    std::vector<double> arrivals(devices_ * devices_, 0.0);
    for (const Link& each : links) {
        const Bytes bytes = Bytes{16} * stage.counts[each.first];
        arrivals[link(each.first, each.second)] = send(clocks, each, bytes, links);
    }
    for (const auto& [from, to] : links) { // each receiver's messages are in the order of senders
        if (from == activation_device && to == target) {
            receive(clocks, target, x_arrival);
        }
        receive(clocks, to, arrivals[link(from, to)]);
    }
    for (std::size_t k = 0; k < devices_; ++k) {
        clocks.device[k] += stage.counts[k] * (stage.unit_time[k] - stage.first_part[k]);
    }
}

/// docs/explanation/time.md#messages, one message after the other: the activation device sends
/// normed x to every device with units, target by target, and x to the target after that. The units
/// of a device run one after the other. Every device sends its outputs when all its units are done
/// and its link is free. The target waits for all messages.
double EnumerationCosts::run_units(
    std::size_t activation_device, std::size_t target, const Stage& stage
) const {
    if (ordered_ || !stage.first_part.empty()) {
        return run_units_in_order(activation_device, target, stage);
    }
    double complete = 0.0;
    double link_to_target_free = 0.0;
    if (target != activation_device) {
        const std::size_t out = link(activation_device, target);
        const double messages = stage.counts[target] > 0 ? 2.0 : 1.0;
        link_to_target_free = messages * x_transfer_time_[out];
        complete = link_to_target_free + latency_[out];
    }
    for (std::size_t j = 0; j < devices_; ++j) {
        const std::int32_t n = stage.counts[j];
        if (n == 0) {
            continue;
        }
        const std::size_t in = link(activation_device, j);
        const double begun = j == activation_device ? 0.0 : x_transfer_time_[in] + latency_[in];
        double done = begun + overhead(j) + n * stage.unit_time[j];
        if (j != target) {
            const std::size_t out = link(j, target);
            done = j == activation_device ? std::max(done, link_to_target_free) : done;
            done += stage.outputs[out][static_cast<std::size_t>(n)] + latency_[out];
        }
        complete = std::max(complete, done);
    }
    return complete;
}

/// docs/explanation/head-level-partitioning.md#inference-delay-of-one-layer.
double EnumerationCosts::formula_layer(const LayerUse& use) const {
    double slowest = 0.0;
    double sum = 0.0;
    double largest = 0.0;
    for (std::size_t j = 0; j < devices_; ++j) {
        const std::int32_t n = use.groups[j];
        slowest = std::max(slowest, n * time_of(BlockKind::group)[j]);
        const double sent = group_outputs_[link(j, use.proj)][static_cast<std::size_t>(n)];
        sum += sent;
        largest = std::max(largest, sent);
    }
    return slowest + (gathers_max_ ? largest : sum) + time_of(BlockKind::proj)[use.proj] +
           x_transfer_time_[link(use.proj, use.ffn)] + time_of(BlockKind::ffn)[use.ffn];
}

double EnumerationCosts::return_to_source(std::size_t activation_device) const {
    return paper_ ? 0.0 : hop(activation_device, source_);
}

double EnumerationCosts::move(BlockKind kind, std::size_t from, std::size_t to) const {
    return transfer_time(from, to, amounts(kind).moved);
}

/// Different links work in parallel, and a link sends one block after the other. By the formulas
/// all transfers are sequential.
double EnumerationCosts::migration(const std::vector<double>& busy) const {
    double sum = 0.0;
    double longest = 0.0;
    for (std::size_t l = 0; l < busy.size(); ++l) {
        sum += busy[l];
        longest = std::max(longest, busy[l] > 0.0 ? busy[l] + latency_[l] : 0.0);
    }
    return paper_ ? sum : longest;
}

/// All messages of a migration are one phase. A device first sends all its messages, then it
/// receives.
double EnumerationCosts::migration_in_order(const std::vector<EnumeratedMove>& moves) const {
    std::vector<EnumeratedMove> sent;
    std::vector<Link> phase;
    for (const EnumeratedMove& move : moves) {
        if (amounts(move.kind).moved > 0) {
            sent.push_back(move);
            phase.emplace_back(move.from, move.to);
        }
    }
    std::sort(phase.begin(), phase.end());
    phase.erase(std::unique(phase.begin(), phase.end()), phase.end());
    Clocks clocks{
        std::vector<double>(devices_, 0.0), std::vector<double>(devices_ * devices_, 0.0)};
    std::vector<double> arrivals;
    for (const EnumeratedMove& move : sent) {
        arrivals.push_back(send(clocks, {move.from, move.to}, amounts(move.kind).moved, phase));
    }
    for (std::size_t i = 0; i < sent.size(); ++i) {
        receive(clocks, sent[i].to, arrivals[i]);
    }
    return *std::max_element(clocks.device.begin(), clocks.device.end());
}

double EnumerationCosts::objective(double migration, double step) const {
    const double total = migration + interval_ * step;
    return paper_ ? total : total / 1e9;
}

} // namespace headroom::scheduler::testing
