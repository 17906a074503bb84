// The published method's score S(i, j): how badly device j would bear block i. Source: arXiv
// 2505.02533 as recorded in docs/explanation/head-level-partitioning.md#score-and-algorithm.
//
//   S(i, j) = max(c_i / C_j, m_i / M_j, communication), or 0.4, 0.3 and 0.3 of them added up
//
// C_j and M_j are what is left on device j beside the blocks placed so far: of C_j·T_budget within
// i's layer, and of memory. The published simulator divides by the total instead, so that a loaded
// device scores as well as an idle one and the score does not balance load; that fault is not
// repeated. Where compute is no constraint (profile `physical`) more than everything may be asked
// of a device; there the term is (load + c_i) / (C_j·T_budget), which exceeds 1 as well.
//
// Communication: the transfers from blocks already placed that i depends on, per T_budget, summed
// over senders or their largest, as D_T gathers. Added to S: the migration of i from its present
// device, spread over the interval's λ tokens and per T_budget. A device is feasible if the
// problem's own constraints hold; S <= 1 says the same of compute and memory, and communication
// constrains nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "scheduler/core/problem.hpp"
#include "scheduler/cost/memory_ledger.hpp"

namespace headroom::scheduler {

/// Blocks placed so far: their memory, and their FLOP per layer whether that is limited or not.
class PaperDraft {
  public:
    explicit PaperDraft(const Problem& problem);

    [[nodiscard]] Ledger& ledger() { return ledger_; }
    [[nodiscard]] const Ledger& ledger() const { return ledger_; }
    void place(BlockId b, DeviceId d);
    void lift(BlockId b);
    /// FLOP on d of b's layer; embed and lm_head have one of their own.
    [[nodiscard]] Flops load(BlockId b, DeviceId d) const { return load_[slot(b, d)]; }

  private:
    [[nodiscard]] std::size_t slot(BlockId b, DeviceId d) const;

    const Blocks* blocks_;
    Ledger ledger_;
    std::vector<Flops> load_; ///< [layer + 1][device]
};

/// Scores of blocks and devices for one problem.
class Scores {
  public:
    /// Keeps a pointer to the problem.
    explicit Scores(const Problem& problem);

    /// m_i / max M + c_i / max C: large blocks are placed first and evicted first.
    [[nodiscard]] double size(BlockId b) const { return size_[b.index()]; }
    /// The feasible device with the least score; ties to b's present device, then to the lowest.
    /// Invalid if none is feasible.
    [[nodiscard]] DeviceId best(PaperDraft& draft, BlockId b) const;
    /// Score of every device, feasible or not, b itself not being placed.
    [[nodiscard]] std::vector<double> of(const PaperDraft& draft, BlockId b) const;

  private:
    /// What b would receive from one device's blocks.
    struct Input {
        DeviceId from;
        Bytes bytes = 0;
    };
    /// From blocks already placed; one per sender, in id order.
    [[nodiscard]] std::vector<Input> inputs(const PaperDraft& draft, BlockId b) const;
    [[nodiscard]] double transfer_s(Bytes bytes, DeviceId from, DeviceId to) const;
    [[nodiscard]] double communication_s(const std::vector<Input>& inputs, DeviceId d) const;
    [[nodiscard]] double migration_s(BlockId b, DeviceId d) const;

    const Problem* problem_;
    std::vector<double> size_;
    std::vector<Bytes> output_; ///< per block
};

} // namespace headroom::scheduler
