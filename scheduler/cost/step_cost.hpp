// D_inf of a placement, layer by layer and incrementally: what predict_inference finds by walking
// programs, at a hundredth of the price, for searches that ask a hundred thousand times.
//
// Why layers add up. At constant rates and from an idle start, whatever is sent in a layer has
// arrived before that layer's proj begins, so when the next layer starts every link, cap and device
// clock is behind the holder of x. A layer's time is therefore a function of the device that holds
// x, the counts of groups per device, proj's device and ffn's device alone, and D_inf is their sum
// plus the ends. Tested against predict_inference to the nanosecond, caps included.
//
// Granularity `sliced` is the same with a hub in the place of proj and ffn: a layer is two spreads,
// of groups from the holder of x to the hub, and of slices from the hub to itself. Slices count as
// equal; where edges cut quantisation blocks, the largest stands for all, so that times are upper
// bounds there.
//
// In fleets of up to 64 devices all times are tabulated; in larger ones, where tables of pairs
// would cost more than the search that asks them, messages are timed when asked.
//
// Under cost profile `paper` the same questions are answered by the published formula: D_T of a
// layer, in nanoseconds rounded per block and message; nobody holds x, and the ends take no time.
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

/// Stands for "never" in sums, so that a search still sees which of two stalled placements has
/// fewer stalled parts: 10^14 ns (28 h) each. A total of at least this much is predicted kNever.
inline constexpr Nanoseconds kStall = 100'000'000'000'000;

/// finish() of work at a constant rate from 0 on, at most kStall; quick where 64 bits hold it.
[[nodiscard]] Nanoseconds bounded_duration(PerSecond rate, std::int64_t work);

/// Whether any device limits all that it sends, or all that it receives.
[[nodiscard]] bool has_caps(const Snapshot& snapshot);

/// What work takes by the paper's formula, rounded to nanoseconds, at most kStall.
[[nodiscard]] Nanoseconds formula_time(std::int64_t work, PerSecond rate);

class StepDelay {
  public:
    /// Keeps pointers to the problem's blocks and snapshot.
    explicit StepDelay(const Problem& problem);
    /// The same of `batch` joined turns at the mean context of the sequences in flight: operations
    /// are joined, and messages of equal size, which follow each other, counted as one.
    StepDelay(const Problem& problem, std::int64_t batch);
    /// At any context.
    StepDelay(const Problem& problem, std::int64_t batch, std::int64_t context);

    /// A layer's blocks in counts; groups, slices: one count per device. Sliced: proj and ffn both
    /// are the hub's device.
    struct LayerShape {
        const std::int32_t* groups = nullptr;
        std::size_t proj = 0;
        std::size_t ffn = 0;
        const std::int32_t* slices = nullptr;
    };

    struct LayerTime {
        Nanoseconds whole = 0;
        Nanoseconds until_proj = 0; ///< of it
    };
    /// From x on `holder` to the end of ffn; the next layer's holder is shape.ffn. Exact.
    [[nodiscard]] LayerTime layer_parts(
        std::size_t layer, std::size_t holder, const LayerShape& shape
    ) const {
        const Nanoseconds first = until_proj(layer, holder, shape);
        return {
            first + (sliced() ? through_slices(layer, shape.ffn, shape.slices)
                              : from_proj(layer, shape.proj, shape.ffn)),
            first};
    }
    [[nodiscard]] Nanoseconds layer(std::size_t layer, std::size_t holder, const LayerShape& shape)
        const {
        return layer_parts(layer, holder, shape).whole;
    }
    [[nodiscard]] bool sliced() const { return slices_ > 0; }
    /// Its two parts: until proj has computed (sliced: until the hub has its sum), and from there
    /// until ffn has (sliced: until the hub has the slices' sum).
    [[nodiscard]] Nanoseconds until_proj(
        std::size_t layer, std::size_t holder, const LayerShape& shape
    ) const;
    [[nodiscard]] Nanoseconds from_proj(std::size_t layer, std::size_t proj, std::size_t ffn)
        const {
        return to_ffn(proj, ffn) + ffn_[layer * devices_ + ffn];
    }
    [[nodiscard]] Nanoseconds through_slices(
        std::size_t layer, std::size_t hub, const std::int32_t* slices
    ) const;

    /// From the source's id to x on embed's device; 0 without ends, where embed is the source.
    [[nodiscard]] Nanoseconds start(std::size_t embed) const {
        return by_formula() ? 0 : small(source_, embed);
    }
    /// From x on the last ffn's device to the sampled id on the source.
    [[nodiscard]] Nanoseconds finish(std::size_t holder, std::size_t lm_head) const;

    /// When n units of device j are done at the gathering device (proj's or the hub's), x leaving
    /// `holder` at 0 and nothing else on the links: what a planner that fills devices one unit at a
    /// time compares. Grows with n.
    [[nodiscard]] Nanoseconds partial(
        std::size_t layer,
        std::size_t holder,
        std::size_t j,
        std::size_t target,
        std::int32_t n,
        Unit unit = Unit::group
    ) const {
        const Nanoseconds done = x_alone(holder, j) + n * unit_time(layer, j, unit);
        return j == target ? done : done + outputs_time(j, target, n) + latency(j, target);
    }

    /// When the gathering device has x itself from `holder`, if units there get it before; 0 on
    /// one device. Nothing is gathered sooner.
    [[nodiscard]] Nanoseconds input(std::size_t holder, std::size_t target, bool units) const {
        return holder == target || by_formula()
                   ? 0
                   : x_link(holder, target) * (units ? 2 : 1) + latency(holder, target);
    }
    /// How soon a host of proj, ffn or hub would be done if it had x from `holder` and nothing else
    /// to wait for; of a hub, with the whole layer to itself. Ranks hosts, and is nobody's time.
    [[nodiscard]] Nanoseconds as_host(
        std::size_t layer, BlockId b, std::size_t holder, std::size_t d
    ) const;

    /// Whether times are those of the paper's formula.
    [[nodiscard]] bool by_formula() const { return rule_ >= Rule::formula_sum; }
    /// Its parts: one group on d; n units' outputs on the link from one device to another.
    [[nodiscard]] Nanoseconds group_time(std::size_t layer, std::size_t d) const {
        return group_[layer * devices_ + d];
    }
    [[nodiscard]] Nanoseconds unit_time(std::size_t layer, std::size_t d, Unit unit) const {
        return (unit == Unit::group ? group_ : ffn_)[layer * devices_ + d];
    }
    [[nodiscard]] Nanoseconds outputs_time(std::size_t from, std::size_t to, std::int32_t n) const {
        const std::int32_t i = sliced() && n > 2 ? 2 : n; // a partial sum's size stops growing
        if (outputs_.empty()) {
            return timed_outputs(from, to, i);
        }
        return outputs_[pair(from, to) * stride_ + static_cast<std::size_t>(i)];
    }
    /// Whether it gathers by the slowest sender instead of the sum.
    [[nodiscard]] bool gathers_max() const { return rule_ == Rule::formula_max; }

    /// x with nothing before it, latency and caps included; what it occupies the link.
    [[nodiscard]] Nanoseconds x_time(std::size_t from, std::size_t to) const {
        return x_alone(from, to);
    }
    [[nodiscard]] Nanoseconds x_busy(std::size_t from, std::size_t to) const {
        return x_link(from, to);
    }
    [[nodiscard]] Nanoseconds link_latency(std::size_t from, std::size_t to) const {
        return latency(from, to);
    }
    /// A token id by itself.
    [[nodiscard]] Nanoseconds id_time(std::size_t from, std::size_t to) const {
        return small(from, to);
    }
    [[nodiscard]] Nanoseconds proj_time(std::size_t layer, std::size_t d) const {
        return proj_[layer * devices_ + d];
    }
    [[nodiscard]] Nanoseconds ffn_time(std::size_t layer, std::size_t d) const {
        return ffn_[layer * devices_ + d];
    }
    [[nodiscard]] Nanoseconds lm_head_time(std::size_t d) const { return lm_head_[d]; }
    /// Bytes of x, and of what n units on one device put out.
    [[nodiscard]] Bytes x_bytes() const { return x_bytes_; }
    [[nodiscard]] Bytes outputs_bytes(std::int32_t n) const { return output_bytes(n); }

    [[nodiscard]] std::size_t devices() const { return devices_; }
    [[nodiscard]] std::size_t source() const { return source_; }
    /// What one layer takes on one device alone.
    [[nodiscard]] Nanoseconds layer_alone(std::size_t layer, std::size_t d) const {
        const std::size_t i = layer * devices_ + d;
        return groups_ * group_[i] + proj_[i] + (sliced() ? slices_ : 1) * ffn_[i];
    }

  private:
    /// How the inputs of proj gather: messages without caps, with caps, or by the formula.
    enum class Rule : std::uint8_t { free, capped, formula_sum, formula_max };
    void time_operations();
    void time_formula(const Problem& problem);
    void tabulate_links();

    struct Wire {
        Nanoseconds link = 0; ///< occupies the link
        Nanoseconds send = 0; ///< occupies the sender's egress
        Nanoseconds take = 0; ///< occupies the receiver's ingress
    };
    [[nodiscard]] std::size_t pair(std::size_t from, std::size_t to) const {
        return from * devices_ + to;
    }
    [[nodiscard]] Wire wire(std::size_t from, std::size_t to, Bytes bytes) const;
    /// One message with nothing before it, latency included; 0 on one device.
    [[nodiscard]] Nanoseconds alone(std::size_t from, std::size_t to, Bytes bytes) const;
    [[nodiscard]] Nanoseconds timed_outputs(std::size_t from, std::size_t to, std::int32_t n) const;
    [[nodiscard]] Nanoseconds latency(std::size_t from, std::size_t to) const {
        return from == to || by_formula()
                   ? 0
                   : std::min(kStall, snapshot_->links[pair(from, to)].latency);
    }
    /// x's time on the link; one x with nothing before it; a token id; proj's output to ffn.
    [[nodiscard]] Nanoseconds x_link(std::size_t from, std::size_t to) const;
    [[nodiscard]] Nanoseconds x_alone(std::size_t from, std::size_t to) const {
        return x_alone_.empty() ? timed_x(from, to) : x_alone_[pair(from, to)];
    }
    [[nodiscard]] Nanoseconds timed_x(std::size_t from, std::size_t to) const;
    [[nodiscard]] Nanoseconds small(std::size_t from, std::size_t to) const;
    [[nodiscard]] Nanoseconds to_ffn(std::size_t from, std::size_t to) const;

    /// Units that work side by side: how many each device has, and what one takes there.
    struct Spread {
        const std::int32_t* counts = nullptr; ///< [device]
        const Nanoseconds* each = nullptr;    ///< [device]
    };
    [[nodiscard]] Spread groups_of(std::size_t layer, const std::int32_t* counts) const {
        return {counts, &group_[layer * devices_]};
    }
    [[nodiscard]] Spread slices_of(std::size_t layer, const std::int32_t* counts) const {
        return {counts, &ffn_[layer * devices_]};
    }
    /// From x on `holder` until `target` has x and all outputs.
    [[nodiscard]] Nanoseconds gather(std::size_t holder, std::size_t target, const Spread& spread)
        const;
    [[nodiscard]] Nanoseconds gather_capped(
        std::size_t holder, std::size_t target, const Spread& spread
    ) const;
    [[nodiscard]] Bytes output_bytes(std::int32_t n) const;
    [[nodiscard]] Nanoseconds gather_by_formula(std::size_t layer, const LayerShape& shape) const;
    [[nodiscard]] Nanoseconds operation(BlockId b, std::size_t d) const;

    const Blocks* blocks_;
    const Snapshot* snapshot_;
    std::size_t devices_;
    std::size_t source_;
    std::int64_t context_;
    std::int64_t batch_;
    Bytes x_bytes_;     ///< of the execution; by formula proj's output
    Bytes group_bytes_; ///< one group's output
    std::int32_t groups_;
    std::int32_t slices_; ///< per layer; 0: not sliced
    Rule rule_;
    std::size_t stride_ = 0;           ///< of outputs_
    std::vector<Nanoseconds> group_;   ///< [layer][device]
    std::vector<Nanoseconds> proj_;    ///< sliced: 0, the hub computes nothing that costs
    std::vector<Nanoseconds> ffn_;     ///< sliced: one slice
    std::vector<Nanoseconds> lm_head_; ///< [device]
    std::vector<Nanoseconds> x_link_;  ///< [from][to]; empty in large fleets, as those below
    std::vector<Nanoseconds> x_alone_; ///< latency and caps included
    std::vector<Nanoseconds> outputs_; ///< [from][to][n]: n units' outputs on the link
};

} // namespace headroom::scheduler
