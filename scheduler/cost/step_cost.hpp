// D_inf of a placement (the time of one decode step), computed layer by layer, for searches that
// need it a hundred thousand times. The result equals that of predict_inference, which walks
// programs and takes about a hundred times as long.
//
// The times of layers can be added, because layers do not overlap: proj waits for the outputs of
// all groups, ffn waits for proj, and the activation device, which holds the residual stream x,
// starts the next layer after ffn. Nothing else is busy at that moment. The time of a layer
// therefore depends only on the activation device, on the number of groups per device, and on the
// devices of proj and ffn. D_inf is the sum of the layers, embed and lm_head.
//
// With granularity `sliced` each layer spreads work twice: to the groups, whose outputs go to the
// hub, and from the hub to the slices and back. Slices differ only if a cut goes through a
// quantisation block, which both neighbours then store. All are timed as the largest one, so times
// are then upper bounds. In fleets of up to 64 devices all link times are tabulated; in larger
// fleets they are computed when needed.
//
// Under cost profile `paper` the class computes D_T, the delay by the published formula
// (core/paper_costs.hpp). The time of each block and message is rounded to a nanosecond. The
// formula counts neither the transfer of x to the groups nor embed and lm_head.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/core/units.hpp"

namespace headroom::scheduler {

/// The time that stands for "never" in sums: 10^14 ns (28 h) per operation or message that never
/// ends. With it a search can tell which of two placements has fewer parts that never end. A total
/// of at least kStall means kNever.
inline constexpr Nanoseconds kStall = 100'000'000'000'000;

/// Returns how long the work takes at a constant rate, but at most kStall.
[[nodiscard]] Nanoseconds bounded_duration(PerSecond rate, std::int64_t work);

[[nodiscard]] bool has_caps(const Snapshot& snapshot);

/// Returns work / rate, as the published formula has it, rounded to nanoseconds and at most kStall.
[[nodiscard]] Nanoseconds formula_time(std::int64_t work, PerSecond rate);

/// The times of the parts of one decode step. Device arguments are indices of devices.
class StepDelay {
  public:
    /// Computes times for one turn (a forward pass of one sequence) without a batch, at context T +
    /// λ. Keeps pointers to the problem's blocks and snapshot.
    explicit StepDelay(const Problem& problem);
    /// Computes times for a batch of `batch` turns at the mean context of the sequences in flight.
    /// Their operations are joined, and their messages count as one message of the total size.
    StepDelay(const Problem& problem, std::int64_t batch);
    /// Times a batch in the same way at the given context.
    StepDelay(const Problem& problem, std::int64_t batch, std::int64_t context);

    /// The blocks of one layer as counts: groups and slices have one entry per device. With
    /// granularity `sliced`, proj and ffn are both the hub's device; otherwise slices may be null.
    struct LayerShape {
        const std::int32_t* groups = nullptr;
        std::size_t proj = 0;
        std::size_t ffn = 0;
        const std::int32_t* slices = nullptr;
    };

    struct LayerTime {
        Nanoseconds whole = 0;
        Nanoseconds until_proj = 0; ///< from the start of the layer to the end of proj
    };
    /// Returns the time of a layer: it starts with x on the activation device and ends when ffn has
    /// computed. shape.ffn is the activation device of the next layer.
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
    /// A layer takes until_proj() + from_proj(), or with `sliced` until_proj() + through_slices().
    /// The first part ends when proj has computed, or when the hub has the groups' sum. The second
    /// ends when ffn has computed, or when the hub has the slices' sum.
    [[nodiscard]] Nanoseconds until_proj(
        std::size_t layer, std::size_t activation_device, const LayerShape& shape
    ) const;
    [[nodiscard]] Nanoseconds from_proj(std::size_t layer, std::size_t proj, std::size_t ffn)
        const {
        return to_ffn(proj, ffn) + ffn_[layer * devices_ + ffn];
    }
    [[nodiscard]] Nanoseconds through_slices(
        std::size_t layer, std::size_t hub, const std::int32_t* slices
    ) const;

    /// Returns the time from the token id on the source to x on embed's device. If the model has no
    /// blocks embed and lm_head, x begins on the source and the time is 0.
    [[nodiscard]] Nanoseconds start(std::size_t embed) const {
        return uses_paper_formulas() ? 0 : id_time(source_, embed);
    }
    /// Returns the time from x on the last activation device to the sampled id on the source.
    [[nodiscard]] Nanoseconds finish(std::size_t activation_device, std::size_t lm_head) const;

    /// Returns when the outputs of n units of device j have arrived at `target`, the device of proj
    /// or the hub, if x leaves the activation device at 0 and links are empty. Planners that place
    /// units (groups or slices) one by one compare these times. The result grows with n.
    [[nodiscard]] Nanoseconds partial(
        std::size_t layer,
        std::size_t activation_device,
        std::size_t j,
        std::size_t target,
        std::int32_t n,
        Unit unit = Unit::group
    ) const {
        const Nanoseconds done = x_time(activation_device, j) + n * unit_time(layer, j, unit);
        return j == target ? done : done + outputs_time(j, target, n) + link_latency(j, target);
    }

    /// Returns when x has arrived at `target`; proj or the hub there cannot start earlier. 0 if x
    /// is there already. units: whether `target` has units; then their input goes over the link
    /// first.
    [[nodiscard]] Nanoseconds input(std::size_t activation_device, std::size_t target, bool units)
        const {
        return activation_device == target || uses_paper_formulas()
                   ? 0
                   : x_busy(activation_device, target) * (units ? 2 : 1) +
                         link_latency(activation_device, target);
    }
    /// Returns a key by which planners rank hosts of block b (proj, ffn or hub): the time of b if x
    /// came from the activation device and b waited for nothing else. For a hub, all units of the
    /// layer are assumed to be on d. This is a heuristic, no prediction.
    [[nodiscard]] Nanoseconds host_rank(
        std::size_t layer, BlockId b, std::size_t activation_device, std::size_t d
    ) const;

    /// Returns whether times are those of the published formulas (cost profile `paper`).
    [[nodiscard]] bool uses_paper_formulas() const { return rule_ >= Rule::formula_sum; }
    /// Return the time of one group, or of one unit of the given kind, of the layer on d.
    [[nodiscard]] Nanoseconds group_time(std::size_t layer, std::size_t d) const {
        return group_[layer * devices_ + d];
    }
    [[nodiscard]] Nanoseconds unit_time(std::size_t layer, std::size_t d, Unit unit) const {
        return (unit == Unit::group ? group_ : ffn_)[layer * devices_ + d];
    }
    /// Returns how long the outputs of n units occupy the link.
    [[nodiscard]] Nanoseconds outputs_time(std::size_t from, std::size_t to, std::int32_t n) const {
        const std::int32_t i = sliced() && n > 2 ? 2 : n; // two outputs or more are sent as one sum
        if (outputs_.empty()) {
            return timed_outputs(from, to, i);
        }
        return outputs_[pair(from, to) * stride_ + static_cast<std::size_t>(i)];
    }
    /// Returns whether D_T takes the maximum over senders instead of their sum.
    [[nodiscard]] bool gathers_max() const { return rule_ == Rule::formula_max; }

    /// Return the time of one x on an empty link, latency and caps included, and the part of it
    /// that occupies the link.
    [[nodiscard]] Nanoseconds x_time(std::size_t from, std::size_t to) const {
        return x_alone_.empty() ? timed_x(from, to) : x_alone_[pair(from, to)];
    }
    [[nodiscard]] Nanoseconds x_busy(std::size_t from, std::size_t to) const;
    [[nodiscard]] Nanoseconds link_latency(std::size_t from, std::size_t to) const {
        return from == to || uses_paper_formulas()
                   ? 0
                   : std::min(kStall, snapshot_->links[pair(from, to)].latency);
    }
    /// Returns the time of a token id on an empty link.
    [[nodiscard]] Nanoseconds id_time(std::size_t from, std::size_t to) const;
    [[nodiscard]] Nanoseconds proj_time(std::size_t layer, std::size_t d) const {
        return proj_[layer * devices_ + d];
    }
    [[nodiscard]] Nanoseconds ffn_time(std::size_t layer, std::size_t d) const {
        return ffn_[layer * devices_ + d];
    }
    [[nodiscard]] Nanoseconds lm_head_time(std::size_t d) const { return lm_head_[d]; }
    /// Return the bytes of x, and of the outputs of n units on one device.
    [[nodiscard]] Bytes x_bytes() const { return x_bytes_; }
    [[nodiscard]] Bytes outputs_bytes(std::int32_t n) const;

    [[nodiscard]] std::size_t devices() const { return devices_; }
    [[nodiscard]] std::size_t source() const { return source_; }
    [[nodiscard]] Nanoseconds layer_alone(std::size_t layer, std::size_t d) const {
        const std::size_t i = layer * devices_ + d;
        return groups_ * group_[i] + proj_[i] + (sliced() ? slices_ : 1) * ffn_[i];
    }

  private:
    /// How the inputs of proj are timed: as messages without caps, with caps, or by D_T.
    enum class Rule : std::uint8_t { free, capped, formula_sum, formula_max };
    void time_operations();
    void time_formula(const Problem& problem);
    void tabulate_links();

    /// How long a message occupies the link, the sender's egress and the receiver's ingress.
    struct MessageTimes {
        Nanoseconds link = 0;
        Nanoseconds egress = 0;
        Nanoseconds ingress = 0;
    };
    [[nodiscard]] std::size_t pair(std::size_t from, std::size_t to) const {
        return from * devices_ + to;
    }
    [[nodiscard]] MessageTimes message_times(std::size_t from, std::size_t to, Bytes bytes) const;
    /// Returns the time of one message on an empty link, latency included; 0 within a device.
    [[nodiscard]] Nanoseconds alone(std::size_t from, std::size_t to, Bytes bytes) const;
    [[nodiscard]] Nanoseconds timed_outputs(std::size_t from, std::size_t to, std::int32_t n) const;
    [[nodiscard]] Nanoseconds timed_x(std::size_t from, std::size_t to) const;
    [[nodiscard]] Nanoseconds to_ffn(std::size_t from, std::size_t to) const;

    /// The units of a layer that work in parallel: their number and the time of one, per device.
    struct Spread {
        const std::int32_t* counts = nullptr;
        const Nanoseconds* each = nullptr;
    };
    /// Returns the time from x on the activation device until `target` has x and all outputs.
    [[nodiscard]] Nanoseconds gather(
        std::size_t activation_device, std::size_t target, const Spread& spread
    ) const;
    [[nodiscard]] Nanoseconds gather_capped(
        std::size_t activation_device, std::size_t target, const Spread& spread
    ) const;
    [[nodiscard]] Nanoseconds gather_by_formula(std::size_t layer, const LayerShape& shape) const;
    [[nodiscard]] Nanoseconds operation(BlockId b, std::size_t d) const;

    const Blocks* blocks_;
    const Snapshot* snapshot_;
    std::size_t devices_;
    std::size_t source_;
    std::int64_t context_;
    std::int64_t batch_;
    Bytes x_bytes_;     ///< x, or by the published formula proj's output
    Bytes group_bytes_; ///< output of one group
    std::int32_t groups_;
    std::int32_t slices_; ///< per layer; 0 if not sliced
    Rule rule_;
    std::size_t stride_ = 0;           ///< entries of outputs_ per pair of devices
    std::vector<Nanoseconds> group_;   ///< [layer][device]
    std::vector<Nanoseconds> proj_;    ///< sliced: 0, because the hub's operations cost nothing
    std::vector<Nanoseconds> ffn_;     ///< sliced: the time of one slice
    std::vector<Nanoseconds> lm_head_; ///< [device]
    std::vector<Nanoseconds> x_link_;  ///< [from][to]; empty in large fleets, like the next two
    std::vector<Nanoseconds> x_alone_; ///< latency and caps included
    std::vector<Nanoseconds> outputs_; ///< [from][to][n]: n units' outputs on the link
};

} // namespace headroom::scheduler
