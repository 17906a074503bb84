// Computes D_inf of a placement (the time of one decode step) layer by layer, for searches that
// need D_inf a hundred thousand times. predict_inference (timing/timeline.hpp) simulates the step
// and takes about a hundred times as long. The results are equal, except that here what never ends
// counts as kStall.
//
// Layers do not overlap, so their times can be added. At the start of a layer one device, the
// activation device, has the residual stream x. It sends x after the norm to the groups (K/V heads
// with their query heads), and x itself to proj. proj waits for x and the outputs of all groups,
// and ffn waits for proj. Then ffn's device is the activation device of the next layer, and
// everything else is idle. The time of a layer therefore depends only on its activation device, the
// number of groups per device, and the devices of proj and ffn. D_inf is start() + all layers +
// finish(). With granularity `sliced` a layer has no proj and no ffn, but a hub and slices of the
// feed-forward network. The hub waits for the groups and adds up their outputs. Then it does the
// same with the slices.
//
// With caps, message overheads or shared media (order_matters() in message_cost.hpp) messages on
// different links delay each other. The messages of a stage are then timed one by one.
//
// If groups are computed in two parts (BlockPart in core/blocks.hpp) and several devices have
// groups of a layer, these devices exchange sums between the parts. The messages of such a stage
// are timed one by one, too. The time of one group is the sum of its parts.
//
// Under cost profile `paper` the class computes D_T, the delay by the published formula
// (core/paper_costs.hpp). The time of each block and each message is rounded to a nanosecond. D_T
// does not count latencies, the transfer of x to the groups, embed and lm_head.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/core/units.hpp"
#include "scheduler/cost/message_cost.hpp"

namespace headroom::scheduler {

/// The time, 28 h, that searches count for an operation or message that never ends. As it is
/// finite, searches can tell which placement has fewer such parts. A sum of at least kStall stands
/// for "never".
inline constexpr Nanoseconds kStall = 100'000'000'000'000;

/// Returns how long the work (FLOP or bytes) takes at a constant rate, but at most kStall.
[[nodiscard]] Nanoseconds bounded_duration(PerSecond rate, std::int64_t work);

/// Returns work / rate, as in the published formula, rounded to a nanosecond; at most kStall.
[[nodiscard]] Nanoseconds formula_time(std::int64_t work, PerSecond rate);

/// The times of the parts of one decode step. Devices are passed as indices. For a batch, x, ids
/// and outputs are those of all its sequences together.
class StepDelay {
  public:
    /// Computes times for one sequence at context T + λ: the tokens now in its cache plus those
    /// until the next decision. Keeps pointers to the problem's blocks and snapshot.
    explicit StepDelay(const Problem& problem);
    /// Computes times for a batch of `batch` sequences, each at the mean T + λ of all sequences in
    /// flight. An operation reads its weights once for the whole batch.
    StepDelay(const Problem& problem, std::int64_t batch);
    /// Computes times for a batch whose sequences all have the given context.
    StepDelay(const Problem& problem, std::int64_t batch, std::int64_t context);
    /// Computes times for a batch whose sequences all attend to so many tokens in layers without a
    /// window and with one.
    StepDelay(const Problem& problem, std::int64_t batch, const CacheRows& attended);

    /// Where the blocks of one layer are.
    struct LayerShape {
        const std::int32_t* groups = nullptr; ///< [device]: the number of groups there
        std::size_t proj = 0;                 ///< proj's device; with `sliced` the hub's
        std::size_t ffn = 0;                  ///< ffn's device; with `sliced` the hub's
        const std::int32_t* slices = nullptr; ///< [device]; may be null if not `sliced`
    };

    struct LayerTime {
        Nanoseconds whole = 0;
        Nanoseconds until_proj = 0; ///< from the start of the layer to the end of proj
    };
    /// Returns the time of a layer. The layer starts when the activation device has x, and it ends
    /// when ffn has computed (`sliced`: when the hub has the slices' sum).
    [[nodiscard]] LayerTime layer_parts(
        std::size_t layer, std::size_t activation_device, const LayerShape& shape
    ) const {
        const Nanoseconds first = until_proj(layer, activation_device, shape);
        return {
            first + (sliced() ? through_slices(layer, shape.ffn, shape.slices)
                              : from_proj(layer, shape.proj, shape.ffn)),
            first};
    }
    [[nodiscard]] Nanoseconds layer(
        std::size_t layer, std::size_t activation_device, const LayerShape& shape
    ) const {
        return layer_parts(layer, activation_device, shape).whole;
    }
    [[nodiscard]] bool sliced() const { return slices_ > 0; }
    /// Returns the first part of layer(), which ends when proj has computed (`sliced`: when the hub
    /// has the groups' sum). The second part is from_proj(), or through_slices() if `sliced`.
    [[nodiscard]] Nanoseconds until_proj(
        std::size_t layer, std::size_t activation_device, const LayerShape& shape
    ) const;
    /// Returns the result of until_proj() if of all units only the n units of device j count.
    /// `beside` says whether `proj` has units, too. Precondition: no published formula, and not
    /// order_matters(). No exchange of sums is counted.
    [[nodiscard]] Nanoseconds until_proj_of(
        std::size_t layer,
        std::size_t activation_device,
        std::size_t proj,
        std::size_t j,
        std::int32_t n,
        bool beside
    ) const;
    /// Returns whether devices exchange sums between the parts of this layer's groups.
    [[nodiscard]] bool exchanges(const LayerShape& shape) const;
    /// Returns, for each device with groups, when it has the sums of all devices, from the time at
    /// which x leaves the activation device; 0 for other devices. Precondition: exchanges(shape).
    [[nodiscard]] std::vector<Nanoseconds> sums_complete(
        std::size_t layer, std::size_t activation_device, const LayerShape& shape
    ) const;
    /// Returns the bytes of the sums that a device with n groups sends to each other device.
    [[nodiscard]] Bytes sums_bytes(std::int32_t n) const;
    /// Returns the time of n products of a layer's groups on device d, without overhead.
    /// Precondition: groups are computed in parts.
    [[nodiscard]] Nanoseconds products_time(std::size_t layer, std::size_t d, std::int32_t n)
        const {
        return n * products_[layer * devices_ + d];
    }
    [[nodiscard]] Nanoseconds from_proj(std::size_t layer, std::size_t proj, std::size_t ffn)
        const {
        return to_ffn(proj, ffn) + ffn_[layer * devices_ + ffn];
    }
    [[nodiscard]] Nanoseconds through_slices(
        std::size_t layer, std::size_t hub, const std::int32_t* slices
    ) const;

    /// Returns how long the token id takes from the source (the device where prompts come in) to
    /// the device of embed. Apart from the operation overhead that device has x at once, because a
    /// table lookup counts no time.
    [[nodiscard]] Nanoseconds start(std::size_t embed) const {
        return uses_paper_formulas() ? 0 : id_time(source_, embed) + embed_overhead(embed);
    }
    /// Returns the time from the end of the last layer, when its ffn's (or hub's) device has x,
    /// until the source has the sampled id. In a model without lm_head: until the source has x.
    [[nodiscard]] Nanoseconds finish(std::size_t activation_device, std::size_t lm_head) const;

    /// Returns when the outputs of n units (groups or slices) on device j have arrived at `target`,
    /// the device of proj or of the hub. x leaves the activation device at time 0, and links are
    /// empty. For simplicity, caps are counted for x but not for the outputs, and shared media as
    /// if no other link used them. Planners that place units one by one compare these times.
    [[nodiscard]] Nanoseconds partial(
        std::size_t layer,
        std::size_t activation_device,
        std::size_t j,
        std::size_t target,
        std::int32_t n,
        Unit unit = Unit::group
    ) const {
        const Nanoseconds done = begun(activation_device, j) + n * unit_time(layer, j, unit);
        return j == target ? done : done + outputs_time(j, target, n) + link_delay(j, target);
    }

    /// Returns when x, sent at time 0, has arrived at `target`, where proj or the hub waits for x.
    /// Caps are not counted. Under cost profile `paper` the result is 0, because D_T does not count
    /// the transfer of x. `units` says whether `target` also has units; if so, x after the norm
    /// goes over the same link before x.
    [[nodiscard]] Nanoseconds input(std::size_t activation_device, std::size_t target, bool units)
        const {
        return activation_device == target || uses_paper_formulas()
                   ? 0
                   : x_busy(activation_device, target) * (units ? 2 : 1) +
                         link_delay(activation_device, target);
    }
    /// Returns a time by which planners rank d as the host of block b (proj, ffn or hub): sending x
    /// to d and computing b there. A hub itself takes no time but the operation overhead. For a
    /// hub, the time of the whole layer on d is counted instead.
    [[nodiscard]] Nanoseconds host_rank(
        std::size_t layer, BlockId b, std::size_t activation_device, std::size_t d
    ) const;

    /// Returns whether times are those of the published formulas (cost profile `paper`).
    [[nodiscard]] bool uses_paper_formulas() const { return rule_ >= Rule::formula_sum; }
    /// Returns the time that device d needs for one group of the layer, without overhead.
    [[nodiscard]] Nanoseconds group_time(std::size_t layer, std::size_t d) const {
        return group_[layer * devices_ + d];
    }
    [[nodiscard]] Nanoseconds unit_time(std::size_t layer, std::size_t d, Unit unit) const {
        return (unit == Unit::group ? group_ : ffn_)[layer * devices_ + d];
    }
    /// Returns the time of n units of one stage on device d, with the operation overhead.
    [[nodiscard]] Nanoseconds units_time(
        std::size_t layer, std::size_t d, Unit unit, std::int32_t n
    ) const {
        return n > 0 ? overhead_[d] + n * unit_time(layer, d, unit) : 0;
    }
    /// Returns the time that precedes the first block of each stage on device d.
    [[nodiscard]] Nanoseconds operation_overhead(std::size_t d) const { return overhead_[d]; }
    /// Returns how long the outputs of n units, sent together, occupy the link (and the media of
    /// both ends, if no other link is used).
    [[nodiscard]] Nanoseconds outputs_time(std::size_t from, std::size_t to, std::int32_t n) const {
        const std::int32_t i = sliced() && n > 2 ? 2 : n; // two outputs or more are sent as one sum
        if (outputs_.empty()) {
            return timed_outputs(from, to, i);
        }
        return outputs_[pair(from, to) * stride_ + static_cast<std::size_t>(i)];
    }
    /// Returns whether D_T counts the longest of the transfers to proj instead of their sum.
    [[nodiscard]] bool gathers_max() const { return rule_ == Rule::formula_max; }

    /// Returns how long x takes if no other message is sent: with the overheads of both ends, caps,
    /// media and latency.
    [[nodiscard]] Nanoseconds x_time(std::size_t from, std::size_t to) const {
        return x_alone_.empty() ? timed_x(from, to) : x_alone_[pair(from, to)];
    }
    /// Returns how long x occupies the link (and the media of both ends, if no other link is used),
    /// without overheads, latency and caps.
    [[nodiscard]] Nanoseconds x_busy(std::size_t from, std::size_t to) const;
    [[nodiscard]] Nanoseconds link_latency(std::size_t from, std::size_t to) const {
        return from == to || uses_paper_formulas()
                   ? 0
                   : std::min(kStall, snapshot_->links[pair(from, to)].latency);
    }
    /// Returns link_latency() plus the message overheads of both ends.
    [[nodiscard]] Nanoseconds link_delay(std::size_t from, std::size_t to) const {
        const Nanoseconds latency = link_latency(from, to);
        return rule_ != Rule::ordered || from == to ? latency
                                                    : latency + handling_time(*snapshot_, from, to);
    }
    /// Returns how long a token id takes if no other message is sent.
    [[nodiscard]] Nanoseconds id_time(std::size_t from, std::size_t to) const;
    /// Returns the time of proj (`sliced`: of the hub after the groups), with its overhead.
    [[nodiscard]] Nanoseconds proj_time(std::size_t layer, std::size_t d) const {
        return proj_[layer * devices_ + d];
    }
    /// Returns the time of ffn with its overhead; `sliced`: of one slice without overhead.
    [[nodiscard]] Nanoseconds ffn_time(std::size_t layer, std::size_t d) const {
        return ffn_[layer * devices_ + d];
    }
    /// Returns the time of lm_head with its overhead.
    [[nodiscard]] Nanoseconds lm_head_time(std::size_t d) const { return lm_head_[d]; }
    [[nodiscard]] Bytes x_bytes() const { return x_bytes_; }
    /// Returns the bytes that a device with n units sends to proj or to the hub. With `sliced` a
    /// device with several units sends the sum of their outputs in 64-bit fixed point, and a device
    /// with one unit sends that unit's output in F32.
    [[nodiscard]] Bytes outputs_bytes(std::int32_t n) const;

    [[nodiscard]] std::size_t devices() const { return devices_; }
    [[nodiscard]] std::size_t source() const { return source_; }
    /// Returns the time of a layer that is on device d as a whole.
    [[nodiscard]] Nanoseconds layer_alone(std::size_t layer, std::size_t d) const {
        const std::size_t i = layer * devices_ + d;
        return overhead_[d] + groups_ * group_[i] + proj_[i] +
               (sliced() ? 2 * overhead_[d] + slices_ * ffn_[i] : ffn_[i]);
    }

  private:
    /// How the inputs of proj are timed: as messages that only queue on their links (free), as
    /// messages whose order matters, or by D_T, which counts the sum or the maximum of the
    /// transfers.
    enum class Rule : std::uint8_t { free, ordered, formula_sum, formula_max };
    void time_operations();
    void time_formula(const Problem& problem);
    void tabulate_links();

    /// How long a message occupies the link and the media of both ends, the sender's egress and the
    /// receiver's ingress.
    struct MessageTimes {
        Nanoseconds link = 0;
        Nanoseconds egress = 0;
        Nanoseconds ingress = 0;
    };
    [[nodiscard]] std::size_t pair(std::size_t from, std::size_t to) const {
        return from * devices_ + to;
    }
    [[nodiscard]] MessageTimes message_times(
        std::size_t from, std::size_t to, Bytes bytes, MediaShares shares
    ) const;
    /// Returns how much longer than `busy` the messages of a batch, one per sequence, are on their
    /// way together because each of them has an overhead at both ends.
    [[nodiscard]] Nanoseconds spacing(std::size_t from, std::size_t to, Nanoseconds busy) const;
    /// Returns how long a message takes if no other one is sent.
    [[nodiscard]] Nanoseconds alone(std::size_t from, std::size_t to, Bytes bytes) const;
    [[nodiscard]] Nanoseconds timed_outputs(std::size_t from, std::size_t to, std::int32_t n) const;
    [[nodiscard]] Nanoseconds timed_x(std::size_t from, std::size_t to) const;
    [[nodiscard]] Nanoseconds to_ffn(std::size_t from, std::size_t to) const;
    [[nodiscard]] Nanoseconds embed_overhead(std::size_t d) const {
        return blocks_->shape().has_ends ? overhead_[d] : 0;
    }
    /// Returns when the first unit of a stage begins on device j, if x is sent to it at time 0.
    [[nodiscard]] Nanoseconds begun(std::size_t activation_device, std::size_t j) const {
        return x_begun_.empty() ? timed_x(activation_device, j) + overhead_[j]
                                : x_begun_[pair(activation_device, j)];
    }

    /// The units of one kind in a layer, which work in parallel.
    struct Spread {
        const std::int32_t* counts = nullptr; ///< [device]: the number of units there
        const Nanoseconds* each = nullptr;    ///< [device]: the time of one unit there
    };
    class OrderedStage;  // step_cost_ordered.cpp
    class ExchangeStage; // stages/exchange_stage.hpp
    /// Returns when `target` has x and the outputs of all units, if x is sent at time 0.
    [[nodiscard]] Nanoseconds gather(
        std::size_t activation_device, std::size_t target, const Spread& spread
    ) const;
    [[nodiscard]] Nanoseconds gather_in_order(
        std::size_t activation_device, std::size_t target, const Spread& spread
    ) const;
    [[nodiscard]] Nanoseconds gather_by_formula(std::size_t layer, const LayerShape& shape) const;
    [[nodiscard]] Nanoseconds group_stage(
        std::size_t layer, std::size_t activation_device, const LayerShape& shape
    ) const;
    [[nodiscard]] Nanoseconds operation(BlockId b, std::size_t d) const;
    [[nodiscard]] Nanoseconds operation(BlockId b, std::size_t d, BlockPart part) const;

    const Blocks* blocks_;
    const Snapshot* snapshot_;
    std::size_t devices_;
    std::size_t source_;
    CacheRows context_; ///< tokens that a step attends to
    std::int64_t batch_;
    Bytes x_bytes_;       ///< the size of x; under cost profile `paper` the size of proj's output
    Bytes group_bytes_;   ///< the size of one group's output
    std::int32_t groups_; ///< the number of groups per layer
    std::int32_t slices_; ///< the number of slices per layer; 0 if not `sliced`
    Rule rule_;
    std::size_t stride_ = 0;            ///< the number of entries of outputs_ per pair of devices
    std::vector<Nanoseconds> overhead_; ///< [device]: operation overhead; 0 by the formulas
    std::vector<Nanoseconds> group_;    ///< [layer][device]: the time of one group
    std::vector<Nanoseconds> products_; ///< [layer][device]: the first part of it, if it has parts
    std::vector<Nanoseconds> proj_;     ///< [layer][device]: proj_time()
    std::vector<Nanoseconds> ffn_;      ///< [layer][device]: ffn_time()
    std::vector<Nanoseconds> lm_head_;  ///< [device]
    // Tables for links, which stay empty if the fleet has more than 64 devices:
    std::vector<Nanoseconds> x_link_;  ///< [from][to]: x_busy()
    std::vector<Nanoseconds> x_alone_; ///< [from][to]: x_time()
    std::vector<Nanoseconds> x_begun_; ///< [from][to]: begun()
    std::vector<Nanoseconds> outputs_; ///< [from][to][n]: outputs_time()
};

} // namespace headroom::scheduler
