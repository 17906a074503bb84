#include "runtime/memory/memory_model.hpp"

#include <algorithm>

namespace headroom::runtime {

MemoryModel::MemoryModel(const scheduler::Blocks& blocks, Bytes buffers, std::size_t devices)
    : blocks_(&blocks), buffers_(buffers),
      row_bytes_(blocks.cache_row_bytes(blocks.group(0, 0), scheduler::CacheRows{1, 1})),
      weights_(devices), groups_(devices) {}

void MemoryModel::set_placement(const scheduler::Placement& placement) {
    std::fill(weights_.begin(), weights_.end(), 0);
    std::fill(groups_.begin(), groups_.end(), scheduler::CacheRows{});
    std::vector<bool> used(weights_.size());
    for (std::size_t i = 0; i < placement.size(); ++i) {
        const BlockId b(i);
        const std::size_t d = placement[i].index();
        weights_[d] += blocks_->weight_bytes(b, placement);
        if (blocks_->name(b).kind == BlockKind::group) {
            ++(blocks_->window(b) > 0 ? groups_[d].windowed : groups_[d].all);
        }
        used[d] = true;
    }
    for (std::size_t d = 0; d < used.size(); ++d) {
        weights_[d] += used[d] ? buffers_ : 0;
    }
}

std::optional<MemoryModel::Shortage> MemoryModel::first_shortage(
    const scheduler::Rates& rates, Nanoseconds time, const scheduler::CacheRows& paged
) const {
    for (std::size_t d = 0; d < weights_.size(); ++d) {
        const Bytes lacking =
            weights_[d] == 0 ? 0 : bytes_held(d, paged) - rates.memory(DeviceId(d), time);
        if (lacking > 0) {
            return Shortage{DeviceId(d), lacking};
        }
    }
    return std::nullopt;
}

} // namespace headroom::runtime
