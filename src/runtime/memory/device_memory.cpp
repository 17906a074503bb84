#include "runtime/memory/device_memory.hpp"

#include "base/check.hpp"
#include "model/decoder/weights.hpp"
#include "runtime/memory/tied_matrix.hpp"

namespace headroom::runtime {

DeviceMemory::DeviceMemory(
    const model::Hyperparameters& model,
    const scheduler::Blocks& blocks,
    DeviceId self,
    const scheduler::TurnSizes& sizes
)
    : model_(&model), blocks_(&blocks), self_(self), sizes_(sizes) {}

model::Block DeviceMemory::make_block(BlockId b, const scheduler::Placement& placement) {
    const BlockName& name = blocks_->name(b);
    const bool with_matrix =
        name.kind != BlockKind::lm_head || lm_head_stores_matrix(*blocks_, placement);
    const Bytes pieces = scheduler::staging_bytes(blocks_->shape());
    const scheduler::Cut& cut = blocks_->cut();
    return {*model_, name, pieces, &budget_, with_matrix, {cut.sliced() ? cut.slices : 0}};
}

void DeviceMemory::add(BlockId b, model::Block block) {
    std::vector<model::GroupCache> caches;
    if (blocks_->name(b).kind == BlockKind::group) {
        for (std::int64_t slot = 0; slot < sizes_.slots; ++slot) {
            caches.push_back(make_cache(b));
        }
    }
    const bool added = held_.emplace(b, Held{std::move(block), std::move(caches)}).second;
    HEADROOM_CHECK(added, "device {} holds {} already", self_.value, b.value);
}

void DeviceMemory::remove(BlockId b) {
    HEADROOM_CHECK(held_.erase(b) == 1, "device {} does not hold {}", self_.value, b.value);
}

model::Block& DeviceMemory::block(BlockId b) {
    const auto found = held_.find(b);
    HEADROOM_CHECK(found != held_.end(), "device {} does not hold {}", self_.value, b.value);
    return found->second.block;
}

model::GroupCache& DeviceMemory::cache(BlockId b, std::int32_t slot) {
    const auto found = held_.find(b);
    HEADROOM_CHECK(
        found != held_.end() && slot >= 0 &&
            static_cast<std::size_t>(slot) < found->second.caches.size(),
        "device {}, block {}, slot {}",
        self_.value,
        b.value,
        slot
    );
    return found->second.caches[static_cast<std::size_t>(slot)];
}

const model::Block& DeviceMemory::lm_head_matrix() {
    return lm_head_stores_matrix(*blocks_, placement_) ? block(blocks_->lm_head())
                                                       : block(blocks_->embed());
}

Workspace& DeviceMemory::workspace() {
    HEADROOM_CHECK(workspace_ != nullptr, "device {} holds no block", self_.value);
    return *workspace_;
}

BlockId DeviceMemory::next_held(BlockId b) const {
    HEADROOM_CHECK(holds_any(), "device {} holds no block", self_.value);
    const auto found = held_.lower_bound(b);
    return found != held_.end() ? found->first : held_.begin()->first;
}

void DeviceMemory::open_storage(const model::GgufFile& file) {
    storage_ = std::make_unique<model::WeightFile>(file, *model_);
}

const model::WeightFile& DeviceMemory::storage() const {
    HEADROOM_CHECK(has_storage(), "device {} has no storage", self_.value);
    return *storage_;
}

void DeviceMemory::open_norms(const model::GgufFile& file) {
    norms_ = std::make_unique<model::WeightFile>(file, *model_);
}

/// Reads the norms before each layer's attention and ffn. With Reduce::ring every device has them.
void DeviceMemory::fill_norms() {
    if (blocks_->cut().reduce != scheduler::Reduce::ring) {
        return;
    }
    HEADROOM_CHECK(norms_ != nullptr, "device {} has no norms", self_.value);
    const auto width = static_cast<std::size_t>(model_->width);
    float* to = workspace_->data(Buffer::norms);
    for (std::int32_t layer = 0; layer < model_->layers; ++layer) {
        const BlockName before = layer == 0 ? BlockName{BlockKind::embed, -1, -1}
                                            : BlockName{BlockKind::hub, layer - 1, -1};
        const model::TensorRole first =
            layer == 0 ? model::TensorRole::first_norm : model::TensorRole::next_norm;
        norms_->read_norm(before, first, {to, width});
        norms_->read_norm(
            {BlockKind::hub, layer, -1}, model::TensorRole::ffn_norm, {to + width, width}
        );
        to += 2 * width;
    }
}

void DeviceMemory::reserve_caches(std::int32_t slot, std::int64_t context) {
    for (auto& [b, held] : held_) {
        if (!held.caches.empty()) {
            held.caches[static_cast<std::size_t>(slot)].reserve(context);
        }
    }
}

model::GroupCache DeviceMemory::make_cache(BlockId b) {
    return {model_->head_width(), model_->kv_type, &budget_, blocks_->window(b)};
}

void DeviceMemory::free_caches(std::int32_t slot) {
    for (auto& [b, held] : held_) {
        if (!held.caches.empty()) {
            held.caches[static_cast<std::size_t>(slot)] = make_cache(b);
        }
    }
}

void DeviceMemory::load(const model::GgufFile& file, const scheduler::Placement& placement) {
    const model::WeightFile weights(file, *model_);
    for (std::size_t i = 0; i < placement.size(); ++i) {
        if (placement[i] == self_) {
            model::Block block = make_block(BlockId(i), placement);
            model::load_block(weights, block);
            add(BlockId(i), std::move(block));
        }
    }
}

void DeviceMemory::install(const scheduler::Placement& placement) {
    placement_ = placement;
    for (std::size_t i = 0; i < placement.size(); ++i) {
        const BlockId b(i);
        HEADROOM_CHECK(
            holds(b) == (placement[i] == self_), "device {}, block {}", self_.value, b.value
        );
        if (holds(b)) {
            const Bytes expected = blocks_->weight_bytes(b, placement);
            HEADROOM_CHECK(
                block(b).complete() && block(b).bytes() == expected,
                "device {}, {}: {} B held, {} B expected",
                self_.value,
                to_string(blocks_->name(b)),
                block(b).bytes(),
                expected
            );
        }
    }
    if (!holds_any()) {
        workspace_.reset();
    } else if (workspace_ == nullptr) {
        workspace_ =
            std::make_unique<Workspace>(blocks_->shape(), blocks_->cut(), sizes_, &budget_);
        fill_norms();
    } else {
        workspace_->restore_staging();
    }
}

} // namespace headroom::runtime
