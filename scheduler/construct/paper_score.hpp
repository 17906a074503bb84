// The published method's score S(i, j) of block i on device j; lower is better. See
// docs/explanation/head-level-partitioning.md#score-and-algorithm (arXiv 2505.02533).
//
// S(i, j) = max(c_i / C_j, m_i / M_j, communication), or their sum with weights 0.4, 0.3 and 0.3.
//
// c_i and m_i are the FLOP and the bytes of block i. M_j is the memory that device j has left
// beside the blocks placed so far. C_j is the number of FLOP that j can do in T_budget
// (Problem::t_budget_s), minus the FLOP of those blocks of i's layer that are already placed on j.
// If i needs more bytes than j has left, m_i / M_j is replaced by (bytes used on j + m_i) / (all
// bytes of j), which is above 1. The same holds for c_i / C_j and FLOP. The published simulator
// always divides by totals, so that a loaded device scores as well as an idle one; Headroom does
// not.
//
// Communication is the time of the transfers to i from blocks already placed, divided by T_budget.
// The setting PaperGather chooses whether the times of all sending devices are added or only the
// longest of them counts. The time to migrate i from its present device, divided by T_budget and
// Problem::steps(), is added to S. A device is feasible if the problem's limits on memory and
// compute hold with i on it; communication has no limit.
#pragma once

#include <vector>

#include "scheduler/core/problem.hpp"
#include "scheduler/cost/memory_ledger.hpp"

namespace headroom::scheduler {

/// The blocks placed so far, the memory that each device has left (Ledger), and the FLOP per layer
/// and device. PaperDraft counts the FLOP itself, because a Ledger counts them only under cost
/// profile `paper`.
class PaperDraft {
  public:
    explicit PaperDraft(const Problem& problem);

    [[nodiscard]] Ledger& ledger() { return ledger_; }
    [[nodiscard]] const Ledger& ledger() const { return ledger_; }
    void place(BlockId b, DeviceId d);
    void lift(BlockId b);
    /// Returns the FLOP of the blocks of b's layer on d. embed and lm_head are one more layer.
    [[nodiscard]] Flops load(BlockId b, DeviceId d) const { return load_[slot(b, d)]; }

  private:
    [[nodiscard]] std::size_t slot(BlockId b, DeviceId d) const;

    const Blocks* blocks_;
    Ledger ledger_;
    std::vector<Flops> load_; ///< [layer + 1][device]; embed and lm_head count as layer −1
};

class Scores {
  public:
    /// Keeps a pointer to the problem.
    explicit Scores(const Problem& problem);

    /// Returns m_i / (largest memory of a device) + c_i / (largest FLOP/s of a device) of block b.
    /// Blocks are placed and evicted by decreasing size.
    [[nodiscard]] double size(BlockId b) const { return size_[b.index()]; }
    /// Returns the feasible device with the least score; invalid if none is feasible. Ties go to
    /// b's present device, then to the lowest id.
    [[nodiscard]] DeviceId best(PaperDraft& draft, BlockId b) const;
    /// Returns the score of b on every device, feasible or not. Precondition: b is not placed.
    [[nodiscard]] std::vector<double> of(const PaperDraft& draft, BlockId b) const;

  private:
    /// The bytes that a block would receive from one device.
    struct Input {
        DeviceId from;
        Bytes bytes = 0;
    };
    /// Returns the inputs of b from blocks already placed, one per sender, by increasing id.
    [[nodiscard]] std::vector<Input> inputs(const PaperDraft& draft, BlockId b) const;
    [[nodiscard]] double transfer_s(Bytes bytes, DeviceId from, DeviceId to) const;
    [[nodiscard]] double communication_s(const std::vector<Input>& inputs, DeviceId d) const;
    [[nodiscard]] double migration_s(BlockId b, DeviceId d) const;

    const Problem* problem_;
    std::vector<double> size_;
    std::vector<Bytes> output_; ///< per block
};

} // namespace headroom::scheduler
