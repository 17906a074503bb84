// A second implementation of what a placement costs, for the enumeration that checks policy
// `exact`. It follows docs/explanation/time.md and docs/explanation/head-level-partitioning.md and
// shares no code with the timeline, the searches or the library's paper formulas. It covers only
// the problems of the generator of docs/explanation/instances.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/block.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler::testing {

/// The devices of one layer: how many groups and slices each has, and who hosts the other blocks.
struct LayerUse {
    std::vector<std::int32_t> groups; ///< [device]
    std::vector<std::int32_t> slices; ///< [device]; granularity `sliced`
    std::size_t proj = 0;             ///< granularity `paper`
    std::size_t ffn = 0;              ///< granularity `paper`
    std::size_t hub = 0;              ///< granularity `sliced`
};

/// A block that goes to another device.
struct EnumeratedMove {
    BlockKind kind = BlockKind::group;
    std::size_t from = 0;
    std::size_t to = 0;
};

/// Times are seconds under cost profile `paper`. Under `physical` they are whole nanoseconds, which
/// a double holds exactly up to 2^53.
class EnumerationCosts {
  public:
    /// Throws Bug unless weights are F32, every K/V head has one query head, no rate is 0, and
    /// there are no ends, norms, buffers or caps. Granularity `sliced` needs cost profile
    /// `physical`.
    explicit EnumerationCosts(const Problem& problem);

    /// Returns the bytes of a block at context T + λ.
    [[nodiscard]] Bytes memory(BlockKind kind) const;
    /// Returns the FLOP of a block that count against C_j·T_budget; 0 under cost profile
    /// `physical`.
    [[nodiscard]] Flops compute(BlockKind kind) const;
    /// Can the device hold so many bytes, and compute so many FLOP in one layer?
    [[nodiscard]] bool fits_memory(std::size_t device, Bytes held) const;
    [[nodiscard]] bool fits_compute(std::size_t device, Flops in_layer) const;

    /// Returns the time from x on `activation_device` until the layer's output is complete.
    [[nodiscard]] double layer(std::size_t activation_device, const LayerUse& use) const;
    /// Returns the time from the last layer's output on `activation_device` until the source has
    /// it.
    [[nodiscard]] double return_to_source(std::size_t activation_device) const;
    /// Returns the time for which the migration of a block occupies its link.
    [[nodiscard]] double move(BlockKind kind, std::size_t from, std::size_t to) const;
    /// Returns D_mig. busy: how long the moves occupy each link, [from][to].
    [[nodiscard]] double migration(const std::vector<double>& busy) const;
    /// Returns whether messages on different links delay each other, because there are message
    /// overheads or shared media.
    [[nodiscard]] bool is_ordered() const { return ordered_; }
    /// Returns D_mig if is_ordered(). The moves are in the order of the blocks.
    [[nodiscard]] double migration_in_order(const std::vector<EnumeratedMove>& moves) const;
    /// Returns D_mig + λ·D in seconds; `step` is D.
    [[nodiscard]] double objective(double migration, double step) const;

    [[nodiscard]] std::size_t devices() const { return devices_; }
    [[nodiscard]] bool paper() const { return paper_; }

  private:
    /// The groups or the slices of a layer, which all need the same input.
    struct Stage {
        const std::vector<std::int32_t>& counts;         ///< [device]
        const std::vector<double>& unit_time;            ///< [device]
        const std::vector<std::vector<double>>& outputs; ///< [from][to] -> [units on from]
        /// [device]: the part of unit_time before the sums of squares are exchanged; empty if they
        /// are not
        std::vector<double> first_part{};
    };
    struct Amounts {
        Bytes memory = 0;
        Bytes moved = 0;
        Flops flops = 0;
        Bytes touched = 0;
        Flops weight_flops = 0; ///< the part of `flops` that multiplies with weights
        Bytes weight_bytes = 0; ///< the part of `touched` that is weights
    };
    using Link = std::pair<std::size_t, std::size_t>; ///< sender and receiver
    /// When devices are ready for the next message, and when links are free.
    struct Clocks {
        std::vector<double> device;
        std::vector<double> link_free; ///< [from][to]
    };
    void set_physical_amounts(const Problem& problem);
    void set_paper_amounts(const Problem& problem);
    void tabulate(const Problem& problem);
    [[nodiscard]] double run_units(
        std::size_t activation_device, std::size_t target, const Stage& stage
    ) const;
    [[nodiscard]] double run_units_in_order(
        std::size_t activation_device, std::size_t target, const Stage& stage
    ) const;
    /// Every device with units sends the others 16 bytes per unit, then receives theirs. The target
    /// receives x before what the activation device sends it.
    void exchange(
        Clocks& clocks,
        std::size_t activation_device,
        std::size_t target,
        double x_arrival,
        const Stage& stage
    ) const;
    /// Returns the groups of a layer as a stage.
    [[nodiscard]] Stage groups_of(const LayerUse& use) const;
    [[nodiscard]] double send(Clocks& clocks, Link way, Bytes bytes, const std::vector<Link>& phase)
        const;
    void receive(Clocks& clocks, std::size_t to, double arrival) const;
    [[nodiscard]] double medium_time(std::size_t end, Bytes bytes, const std::vector<Link>& phase)
        const;
    [[nodiscard]] double block_time(const Amounts& amounts, const Snapshot::Device& device) const;
    [[nodiscard]] double hop(std::size_t from, std::size_t to) const;
    [[nodiscard]] double overhead(std::size_t device) const {
        return paper_ ? 0.0 : static_cast<double>(snapshot_.devices[device].operation_overhead);
    }
    [[nodiscard]] Bytes output_bytes(std::int32_t units) const;
    [[nodiscard]] double formula_layer(const LayerUse& use) const;
    [[nodiscard]] double time(std::int64_t work, PerSecond rate) const;
    [[nodiscard]] double transfer_time(std::size_t from, std::size_t to, Bytes bytes) const;
    [[nodiscard]] const Amounts& amounts(BlockKind kind) const {
        return amounts_[static_cast<std::size_t>(kind)];
    }
    [[nodiscard]] const std::vector<double>& time_of(BlockKind kind) const {
        return block_times_[static_cast<std::size_t>(kind)];
    }
    [[nodiscard]] std::size_t link(std::size_t from, std::size_t to) const {
        return from * devices_ + to;
    }

    Snapshot snapshot_;
    std::size_t devices_;
    std::size_t source_;
    bool paper_;
    bool sliced_;
    bool gathers_max_;
    bool ordered_;
    double interval_;
    double t_budget_s_;
    Bytes x_bytes_ = 0;                              ///< what proj or a hub sends on
    Bytes group_bytes_ = 0;                          ///< one group's outputs
    std::vector<Amounts> amounts_;                   ///< [kind]
    std::vector<std::vector<double>> block_times_;   ///< [kind][device]
    std::vector<double> x_transfer_time_;            ///< [from][to], without latency
    std::vector<double> latency_;                    ///< [from][to]
    std::vector<std::vector<double>> group_outputs_; ///< [from][to] -> [units]
    std::vector<std::vector<double>> slice_outputs_;
    bool parted_;                         ///< whether groups are computed in two parts
    std::vector<double> products_time_{}; ///< [device]: of the first part of a group
};

} // namespace headroom::scheduler::testing
