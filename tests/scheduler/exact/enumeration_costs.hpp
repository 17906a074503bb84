// What a placement costs, written a second time from docs/explanation/time.md and
// docs/explanation/head-level-partitioning.md, for the enumeration that judges policy `exact`. It
// shares no code with the timeline, the searches or the published formulas of the library, and
// knows only what the generator of docs/explanation/instances.md makes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/block.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::scheduler::testing {

/// Where the units of one layer are: how many groups and slices on each device.
struct LayerUse {
    std::vector<std::int32_t> groups;
    std::vector<std::int32_t> slices; ///< granularity `sliced`
    std::size_t proj = 0;             ///< granularity `paper`
    std::size_t ffn = 0;              ///< granularity `paper`
    std::size_t hub = 0;              ///< granularity `sliced`
};

/// Times are nanoseconds under cost profile `physical` (whole numbers: a double holds them exactly
/// up to 2^53) and seconds under `paper`.
class EnumerationCosts {
  public:
    /// Precondition: F32, one query head per cache head, no ends, no norms, no buffers, no caps, no
    /// rate of 0; not both sliced and cost profile `paper`.
    explicit EnumerationCosts(const Problem& problem);

    /// Bytes that a block holds at T + λ.
    [[nodiscard]] Bytes memory(BlockKind kind) const;
    /// FLOP that count against C_j·T_budget within a layer; cost profile `paper` only.
    [[nodiscard]] Flops compute(BlockKind kind) const;
    /// A device's limits.
    [[nodiscard]] bool has_memory(std::size_t device, Bytes held) const;
    [[nodiscard]] bool has_compute(std::size_t device, Flops in_layer) const;

    /// From x on `holder` until the layer's output is complete.
    [[nodiscard]] double layer(std::size_t holder, const LayerUse& use) const;
    /// From the last layer's output on `holder` until the source has it.
    [[nodiscard]] double back(std::size_t holder) const;
    /// How long moving a block occupies its link.
    [[nodiscard]] double move(BlockKind kind, std::size_t from, std::size_t to) const;
    /// D_mig from how long each link [from][to] is occupied.
    [[nodiscard]] double migration(const std::vector<double>& busy) const;
    /// D_mig + λ·D in seconds.
    [[nodiscard]] double objective(double migration, double step) const;

    [[nodiscard]] std::size_t devices() const { return devices_; }
    [[nodiscard]] bool paper() const { return paper_; }

  private:
    /// Equal units that work side by side.
    struct Stage {
        const std::vector<std::int32_t>& counts;         ///< [device]
        const std::vector<double>& each;                 ///< [device]
        const std::vector<std::vector<double>>& outputs; ///< [from][to] -> [units on from]
    };
    struct Amounts {
        Bytes memory = 0;
        Bytes moved = 0;
        Flops flops = 0;
        Bytes touched = 0;
    };
    void set_amounts_of_execution(const Problem& problem);
    void set_amounts_of_formula(const Problem& problem);
    void tabulate(const Problem& problem);
    [[nodiscard]] double spread(std::size_t holder, std::size_t target, const Stage& stage) const;
    [[nodiscard]] double formula_layer(const LayerUse& use) const;
    [[nodiscard]] double time(std::int64_t work, PerSecond rate) const;
    [[nodiscard]] double wire(std::size_t from, std::size_t to, Bytes bytes) const;
    [[nodiscard]] const Amounts& amounts(BlockKind kind) const {
        return amounts_[static_cast<std::size_t>(kind)];
    }
    [[nodiscard]] const std::vector<double>& each(BlockKind kind) const {
        return each_[static_cast<std::size_t>(kind)];
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
    double interval_;
    double t_budget_s_;
    Bytes x_bytes_ = 0;                              ///< what proj or a hub hands on
    Bytes group_bytes_ = 0;                          ///< one group's outputs
    std::vector<Amounts> amounts_;                   ///< [kind]
    std::vector<std::vector<double>> each_;          ///< [kind][device]
    std::vector<double> x_wire_;                     ///< [from][to], without latency
    std::vector<double> latency_;                    ///< [from][to]
    std::vector<std::vector<double>> group_outputs_; ///< [from][to] -> [units]
    std::vector<std::vector<double>> slice_outputs_;
};

} // namespace headroom::scheduler::testing
