// What a device holds: the blocks that the placement in force gives it, their caches, and its
// buffers while it holds any block. Everything is allocated through the device's budget.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "base/ids.hpp"
#include "device/memory_budget.hpp"
#include "model/decoder/block.hpp"
#include "model/decoder/weight_file.hpp"
#include "model/gguf/gguf.hpp"
#include "runtime/memory/workspace.hpp"
#include "scheduler/core/blocks.hpp"

namespace headroom::runtime {

class Resident {
  public:
    Resident(
        const model::Hyperparameters& model,
        const scheduler::Blocks& blocks,
        DeviceId self,
        const scheduler::TurnSizes& sizes
    );

    /// Copies the blocks of the first placement out of the model file.
    void load(const model::GgufFile& file, const scheduler::Placement& placement);
    /// Keeps the model file open, not mapped, as this device's storage.
    void keep_storage(const model::GgufFile& file);
    [[nodiscard]] bool has_storage() const { return storage_ != nullptr; }
    [[nodiscard]] const model::WeightFile& storage() const; ///< precondition: has_storage()
    /// For Reduce::ring, before the first placement: keeps the file open to read all norms from it
    /// when buffers appear.
    void keep_norms(const model::GgufFile& file);
    /// Takes a placement as the one in force: buffers appear with the first block and go with the
    /// last. Checks that exactly its blocks are here and complete.
    void install(const scheduler::Placement& placement);

    [[nodiscard]] const scheduler::Blocks& blocks() const { return *blocks_; }
    [[nodiscard]] DeviceId self() const { return self_; }
    [[nodiscard]] const scheduler::Placement& placement() const { return placement_; }
    [[nodiscard]] bool holds(BlockId b) const { return held_.contains(b); }
    [[nodiscard]] bool holds_any() const { return !held_.empty(); }
    /// The first block here from b on in block order, after the last one the first of all.
    /// Precondition: holds_any().
    [[nodiscard]] BlockId held_from(BlockId b) const;
    [[nodiscard]] model::Block& block(BlockId b);
    [[nodiscard]] model::GroupCache& cache(BlockId b, std::int32_t slot);
    /// The block with the matrix of lm_head: itself, or embed if they are tied and live together.
    [[nodiscard]] const model::Block& head_matrix();
    [[nodiscard]] Workspace& workspace();
    [[nodiscard]] bool has_workspace() const { return workspace_ != nullptr; }

    /// Pages for `context` rows of a slot in every group here.
    void reserve_caches(std::int32_t slot, std::int64_t context);
    /// Gives all pages of a slot back: its sequence has ended.
    void empty_caches(std::int32_t slot);
    [[nodiscard]] std::int64_t slots() const { return sizes_.slots; }
    /// Turns that share a pass over the weights at most.
    [[nodiscard]] std::int64_t most_joined() const { return sizes_.joined; }

    /// A block without storage, as `placement` would hold it here, and its empty cache.
    [[nodiscard]] model::Block make_block(BlockId b, const scheduler::Placement& placement);
    void add(BlockId b, model::Block block);
    void remove(BlockId b);

    [[nodiscard]] device::MemoryBudget& budget() { return budget_; }

  private:
    struct Held {
        model::Block block;
        std::vector<model::GroupCache> caches; ///< groups only: one per slot
    };
    void fill_norms();

    const model::Hyperparameters* model_;
    const scheduler::Blocks* blocks_;
    DeviceId self_;
    scheduler::TurnSizes sizes_;
    device::MemoryBudget budget_; ///< before what is allocated from it
    std::map<BlockId, Held> held_;
    std::unique_ptr<Workspace> workspace_;
    std::unique_ptr<model::WeightFile> storage_;
    std::unique_ptr<model::WeightFile> norms_; ///< Reduce::ring
    scheduler::Placement placement_;
};

} // namespace headroom::runtime
