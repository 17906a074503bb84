// The memory of one device: the blocks that the placement in force assigns to it, their KV caches,
// and the device's buffers, which exist only while the device holds a block. All this memory is
// allocated from the device's MemoryBudget.
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

class DeviceMemory {
  public:
    DeviceMemory(
        const model::Hyperparameters& model,
        const scheduler::Blocks& blocks,
        DeviceId self,
        const scheduler::TurnSizes& sizes
    );

    /// Reads from the model file the blocks that the first placement assigns to this device.
    void load(const model::GgufFile& file, const scheduler::Placement& placement);
    /// Opens the model file as this device's storage. The file is read when needed, not mapped.
    void open_storage(const model::GgufFile& file);
    [[nodiscard]] bool has_storage() const { return storage_ != nullptr; }
    [[nodiscard]] const model::WeightFile& storage() const; ///< precondition: has_storage()
    /// Opens the model file, from which install() reads all norm weights when it allocates buffers.
    /// Must be called before the first install() if Reduce::ring is used, because each device then
    /// applies all norms.
    void open_norms(const model::GgufFile& file);
    /// Makes `placement` the placement in force. Allocates the buffers if the device holds blocks,
    /// and frees them if it holds none. Checks that the device holds exactly the blocks that the
    /// placement assigns to it, and that these blocks are complete.
    void install(const scheduler::Placement& placement);

    [[nodiscard]] const scheduler::Blocks& blocks() const { return *blocks_; }
    [[nodiscard]] DeviceId self() const { return self_; }
    [[nodiscard]] const scheduler::Placement& placement() const { return placement_; }
    [[nodiscard]] bool holds(BlockId b) const { return held_.contains(b); }
    [[nodiscard]] bool holds_any() const { return !held_.empty(); }
    /// Returns the first block in block order, from `b` on, that the device holds. If the device
    /// holds no block from `b` on, starts over at the first block. Precondition: holds_any().
    [[nodiscard]] BlockId next_held(BlockId b) const;
    [[nodiscard]] model::Block& block(BlockId b);
    [[nodiscard]] model::GroupCache& cache(BlockId b, std::int32_t slot);
    /// Returns the block that stores the matrix of lm_head: embed if the two share the matrix and
    /// are on one device, else lm_head.
    [[nodiscard]] const model::Block& lm_head_matrix();
    [[nodiscard]] Workspace& workspace();
    [[nodiscard]] bool has_workspace() const { return workspace_ != nullptr; }

    /// Allocates pages for `context` rows in each cache of a slot (the place of one sequence).
    void reserve_caches(std::int32_t slot, std::int64_t context);
    /// Frees all cache pages of a slot, because its sequence has ended.
    void free_caches(std::int32_t slot);
    [[nodiscard]] std::int64_t slots() const { return sizes_.slots; }
    /// Returns the largest number of turns for which the weights are read once.
    [[nodiscard]] std::int64_t max_joined() const { return sizes_.joined; }

    /// Returns block `b` as the device would hold it under `placement`. Allocates nothing.
    [[nodiscard]] model::Block make_block(BlockId b, const scheduler::Placement& placement);
    /// Adds a block; an attention group gets an empty cache for each slot.
    void add(BlockId b, model::Block block);
    void remove(BlockId b);

    [[nodiscard]] device::MemoryBudget& budget() { return budget_; }

  private:
    struct Held {
        model::Block block;
        std::vector<model::GroupCache> caches; ///< one per slot; only for attention groups
    };
    [[nodiscard]] model::GroupCache make_cache(BlockId b);
    void fill_norms();

    const model::Hyperparameters* model_;
    const scheduler::Blocks* blocks_;
    DeviceId self_;
    scheduler::TurnSizes sizes_;
    /// Declared before the members whose memory it counts, so that it is destroyed after them.
    device::MemoryBudget budget_;
    std::map<BlockId, Held> held_;
    std::unique_ptr<Workspace> workspace_;
    std::unique_ptr<model::WeightFile> storage_;
    std::unique_ptr<model::WeightFile> norms_; ///< only with Reduce::ring
    scheduler::Placement placement_;
};

} // namespace headroom::runtime
