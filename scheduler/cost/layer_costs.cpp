// The rules for operations and messages (docs/explanation/time.md#operations,
// docs/explanation/time.md#messages) for constant rates and at most two messages per link.
#include "scheduler/cost/layer_costs.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "scheduler/cost/block_cost.hpp"
#include "scheduler/cost/memory_ledger.hpp"
#include "scheduler/cost/message_cost.hpp"
#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {
namespace {

constexpr std::size_t kMinConsidered = 32;

/// `count` consecutive operations of a layer with equal costs.
struct Operations {
    BlockId block;
    OperationCost cost;
    std::int64_t count = 0;
};

/// Returns how long an operation for one token takes, without the overhead: the piece at the
/// device's own rates and one for each weight type with rates of its own.
Nanoseconds operation_time(const Snapshot::Device& device, const OperationCost& cost) {
    OperationCost own = cost;
    Nanoseconds typed = 0;
    for (const TypeRates<PerSecond>& rates : device.rates) {
        const WeightWork work = cost.of(rates.type);
        own.leave_out(rates.type);
        typed += std::max(
            bounded_duration(rates.compute, work.flops),
            bounded_duration(rates.memory_bandwidth, work.touched)
        );
    }
    const Nanoseconds first = std::max(
        bounded_duration(device.compute, own.flops),
        bounded_duration(device.memory_bandwidth, own.touched)
    );
    return std::min(kStall, first + typed);
}

struct LayerTime {
    Nanoseconds groups = 0;
    Nanoseconds rest = 0;
};

/// The operations of each layer, grouped by equal costs, so that timing a layer on a device takes
/// only a few divisions.
class LayerWork {
  public:
    explicit LayerWork(const Problem& problem)
        : problem_(&problem), memory_rows_(problem.memory_rows()) {
        const Blocks& blocks = *problem.blocks;
        // A hub is a stage after the groups and another one after the slices; in a ring it is none.
        later_stages_ = !blocks.sliced() ? 2 : blocks.cut().reduce == Reduce::ring ? 1 : 3;
        for (std::int32_t l = 0; l < blocks.shape().layers; ++l) {
            operations_.emplace_back();
            const BlockId first = blocks.group(l, 0);
            for (const BlockPart part : parts_of_groups()) {
                for (std::int32_t n = 0; n < blocks.groups(); ++n) {
                    add(BlockId(first.value + n), operations_.back(), part);
                }
            }
            for (std::int32_t n = blocks.groups(); n < blocks.blocks_per_layer(); ++n) {
                add(BlockId(first.value + n), operations_.back());
            }
        }
    }

    [[nodiscard]] LayerTime on(std::size_t layer, const Snapshot::Device& device) const {
        const Nanoseconds overhead = std::min(kStall, device.operation_overhead);
        LayerTime time{overhead, later_stages_ * overhead};
        Flops flops = 0;
        for (const Operations& some : operations_[layer]) {
            const bool group = problem_->blocks->name(some.block).kind == BlockKind::group;
            const Nanoseconds each = operation_time(device, some.cost);
            (group ? time.groups : time.rest) += some.count * each;
            flops += some.count * some.cost.flops;
        }
        return problem_->cost_profile == CostProfile::paper
                   ? LayerTime{formula_time(flops, device.compute), 0}
                   : time;
    }

  private:
    /// Returns the operations of a group. The published formulas know only whole groups.
    [[nodiscard]] std::span<const BlockPart> parts_of_groups() const {
        static constexpr BlockPart kWhole[] = {BlockPart::whole};
        const Blocks& blocks = *problem_->blocks;
        return problem_->cost_profile == CostProfile::paper ? kWhole
                                                            : blocks.parts_of(blocks.group(0, 0));
    }

    void add(BlockId b, std::vector<Operations>& layer, BlockPart part = BlockPart::whole) const {
        const bool paper = problem_->cost_profile == CostProfile::paper;
        OperationCost cost;
        if (paper) {
            cost.flops = cost_of(*problem_, b, memory_rows_).compute;
        } else {
            cost.add(*problem_->blocks, b, problem_->horizon() - 1, 1, part);
        }
        const BlockKind kind = problem_->blocks->name(b).kind;
        if (!layer.empty() && layer.back().cost.flops == cost.flops &&
            layer.back().cost.touched == cost.touched &&
            problem_->blocks->name(layer.back().block).kind == kind) {
            ++layer.back().count;
        } else {
            layer.push_back({b, cost, 1});
        }
    }

    const Problem* problem_;
    CacheRows memory_rows_;
    std::int64_t later_stages_ = 0; ///< number of stages of a layer after the groups
    std::vector<std::vector<Operations>> operations_;
};

/// The times of one message of x on an idle link.
struct MessageTimes {
    Nanoseconds link = 0;    ///< on the link, the egress cap or a medium, whichever is slowest
    Nanoseconds ingress = 0; ///< on the receiver's ingress cap
    Nanoseconds latency = 0;
    Nanoseconds sender = 0;   ///< the sender's message overhead
    Nanoseconds receiver = 0; ///< the receiver's
};

MessageTimes x_times(const Problem& problem, DeviceId from, DeviceId to) {
    if (from == to || problem.cost_profile == CostProfile::paper) {
        return {};
    }
    const Snapshot& snapshot = problem.snapshot;
    const Bytes bytes = problem.blocks->shape().width * kFloatBytes;
    return {
        std::max(
            link_time(snapshot, from.index(), to.index(), bytes),
            bounded_duration(snapshot.device(from).egress, bytes)
        ),
        bounded_duration(snapshot.device(to).ingress, bytes),
        std::min(snapshot.link(from, to).latency, kStall),
        message_overhead(snapshot, from.index()),
        message_overhead(snapshot, to.index())};
}

/// When the two messages of a hop have arrived, if the sender has x at time 0.
struct HopTimes {
    Nanoseconds normed_x = 0;
    Nanoseconds x = 0;
};

HopTimes hop_times(const MessageTimes& each) {
    const Nanoseconds first = each.sender; // the first message begins then
    const Nanoseconds second = first + std::max(each.sender, each.link);
    const Nanoseconds ingress_free = first + each.ingress;
    const Nanoseconds served = std::max(second, ingress_free) + each.ingress;
    return {
        each.latency + first + std::max(each.link, each.ingress),
        each.latency + std::max(second + each.link, served)};
}

/// Returns a ledger in which only embed and lm_head are placed, on the source.
Ledger ledger_with_ends(const Problem& problem) {
    Ledger ledger(problem);
    if (problem.blocks->shape().has_ends) {
        ledger.place(problem.blocks->embed(), problem.source);
        ledger.place(problem.blocks->lm_head(), problem.source);
    }
    return ledger;
}

std::vector<Bytes> bytes_before_layers(const Problem& problem, const Ledger& ledger) {
    const Blocks& blocks = *problem.blocks;
    std::vector<Bytes> sums{0};
    for (std::int32_t l = 0; l < blocks.shape().layers; ++l) {
        Bytes bytes = sums.back();
        for (std::int32_t n = 0; n < blocks.blocks_per_layer(); ++n) {
            bytes += ledger.bytes(BlockId(blocks.group(l, 0).value + n));
        }
        sums.push_back(bytes);
    }
    return sums;
}

/// Returns whether d has enough compute for a layer. All layers cost the same in the published
/// formulas.
bool computes_a_layer(const Problem& problem, const Ledger& ledger, DeviceId d) {
    if (!ledger.has_compute_limit()) {
        return true;
    }
    const Blocks& blocks = *problem.blocks;
    Flops flops = 0;
    for (std::int32_t n = 0; n < blocks.blocks_per_layer(); ++n) {
        flops += ledger.flops(BlockId(blocks.group(0, 0).value + n));
    }
    return flops <= ledger.limit(d);
}

struct Host {
    DeviceId device;
    Nanoseconds time = 0;
    std::int64_t capacity = 0; ///< number of layers for which it has room
};

/// Returns the devices with room for a layer, except the source, the fastest first.
std::vector<Host> hosts_by_speed(const Problem& problem) {
    const LayerWork work(problem);
    const Ledger ledger = ledger_with_ends(problem);
    const std::vector<Bytes> sums = bytes_before_layers(problem, ledger);
    const auto layers = static_cast<std::int64_t>(sums.size()) - 1;
    Bytes least = sums[1];
    for (std::size_t l = 1; l < sums.size(); ++l) {
        least = std::min(least, sums[l] - sums[l - 1]);
    }
    std::vector<Host> hosts;
    for (std::size_t i = 0; i < problem.snapshot.size(); ++i) {
        const DeviceId d(i);
        if (d == problem.source || ledger.room(d) < least ||
            !computes_a_layer(problem, ledger, d)) {
            continue;
        }
        const LayerTime time = work.on(0, problem.snapshot.device(d));
        const std::int64_t capacity = least > 0 ? std::min(layers, ledger.room(d) / least) : layers;
        hosts.push_back({d, time.groups + time.rest, capacity});
    }
    std::ranges::stable_sort(hosts, {}, &Host::time);
    return hosts;
}

} // namespace

std::vector<DeviceId> layer_hosts(const Problem& problem, std::size_t least) {
    const std::vector<Host> hosts = hosts_by_speed(problem);
    const bool few = problem.snapshot.size() <= kMinConsidered;
    const auto wanted = std::int64_t{2} * problem.blocks->shape().layers;
    std::vector<DeviceId> chosen;
    std::int64_t capacity = 0;
    for (const Host& host : hosts) {
        const bool enough =
            chosen.size() + 1 >= std::max(least, kMinConsidered) && capacity >= wanted;
        if (!few && (enough || chosen.size() + 1 >= kMaxLayerHosts)) {
            break;
        }
        chosen.push_back(host.device);
        capacity += host.capacity;
    }
    std::sort(chosen.begin(), chosen.end());
    chosen.insert(chosen.begin(), problem.source);
    return chosen;
}

std::vector<Nanoseconds> times_of_all_layers(const Problem& problem) {
    const LayerWork work(problem);
    std::vector<Nanoseconds> times(problem.snapshot.size(), 0);
    for (std::size_t d = 0; d < times.size(); ++d) {
        for (std::size_t l = 0; l < problem.blocks->shape().layer_types.size(); ++l) {
            const LayerTime time = work.on(l, problem.snapshot.devices[d]);
            times[d] += time.groups + time.rest;
        }
    }
    return times;
}

LayerCosts::LayerCosts(const Problem& problem, std::vector<DeviceId> devices)
    : devices_(std::move(devices)),
      layers_(static_cast<std::size_t>(problem.blocks->shape().layers)),
      ends_(problem.blocks->shape().has_ends) {
    tabulate_hops(problem, tabulate_layers(problem));
    tabulate_room(problem);
}

std::vector<std::vector<Nanoseconds>> LayerCosts::tabulate_layers(const Problem& problem) {
    const LayerWork work(problem);
    const auto repeats = [&](std::size_t l) {
        const auto layer = static_cast<std::int32_t>(l);
        return l > 0 && problem.blocks->alike(layer, layer - 1);
    };
    std::vector<std::vector<Nanoseconds>> groups(layers_);
    for (const DeviceId d : devices_) {
        LayerTime time;
        time_before_.push_back(0);
        for (std::size_t l = 0; l < layers_; ++l) {
            time = repeats(l) ? time : work.on(l, problem.snapshot.device(d));
            time_before_.push_back(time_before_.back() + time.groups + time.rest);
            groups[l].push_back(time.groups);
        }
    }
    return groups;
}

void LayerCosts::tabulate_hops(
    const Problem& problem, const std::vector<std::vector<Nanoseconds>>& groups
) {
    std::vector<std::size_t> tables; // the first layer of each
    for (std::size_t l = 0; l < layers_; ++l) {
        const auto alike =
            std::ranges::find_if(tables, [&](std::size_t k) { return groups[k] == groups[l]; });
        hop_table_.push_back(static_cast<std::size_t>(alike - tables.begin()));
        if (alike == tables.end()) {
            tables.push_back(l);
        }
    }
    const std::size_t n = devices();
    hop_times_.resize(tables.size() * n * n);
    for (std::size_t from = 0; from < n; ++from) {
        for (std::size_t to = 0; to < n; ++to) {
            const MessageTimes x = x_times(problem, devices_[from], devices_[to]);
            const HopTimes arrival = hop_times(x);
            busy_.push_back(2 * std::max(x.link, x.ingress));
            for (std::size_t table = 0; table < tables.size(); ++table) {
                const Nanoseconds computing = groups[tables[table]][to];
                const Nanoseconds computed = arrival.normed_x + x.receiver + computing;
                hop_times_[(table * n + from) * n + to] =
                    std::max(computed, arrival.x) + x.receiver - computing;
            }
        }
    }
    for (const DeviceId from : devices_) {
        const MessageTimes back = x_times(problem, from, problem.source);
        busy_back_.push_back(std::max(back.link, back.ingress));
        back_.push_back(back.sender + back.latency + busy_back_.back() + back.receiver);
    }
    tabulate_stages(problem);
}

void LayerCosts::tabulate_stages(const Problem& problem) {
    const bool physical = problem.cost_profile == CostProfile::physical;
    for (const DeviceId d : devices_) {
        const Nanoseconds each = physical ? message_overhead(problem.snapshot, d.index()) : 0;
        beside_layers_.push_back((d == problem.source ? 3 : 4) * each);
    }
    if (problem.blocks->shape().has_ends && physical) {
        const Snapshot::Device& source = problem.snapshot.device(problem.source);
        OperationCost lm_head;
        lm_head.add(*problem.blocks, problem.blocks->lm_head(), problem.horizon() - 1, 1);
        end_time_ =
            2 * std::min(kStall, source.operation_overhead) + operation_time(source, lm_head);
        beside_layers_[0] += end_time_;
    }
}

void LayerCosts::tabulate_room(const Problem& problem) {
    const Ledger ledger = ledger_with_ends(problem);
    bytes_ = bytes_before_layers(problem, ledger);
    for (const DeviceId d : devices_) {
        room_.push_back(ledger.room(d));
        computes_.push_back(computes_a_layer(problem, ledger, d));
    }
}

} // namespace headroom::scheduler
