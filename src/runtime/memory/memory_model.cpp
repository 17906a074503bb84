#include "runtime/memory/memory_model.hpp"

#include <algorithm>

namespace headroom::runtime {

MemoryModel::MemoryModel(const scheduler::Blocks& blocks, Bytes buffers, std::size_t devices)
    : blocks_(&blocks), buffers_(buffers), weights_(devices), groups_(devices) {}

void MemoryModel::set_placement(const scheduler::Placement& placement) {
    std::fill(weights_.begin(), weights_.end(), 0);
    std::fill(groups_.begin(), groups_.end(), 0);
    std::vector<bool> used(weights_.size());
    for (std::size_t i = 0; i < placement.size(); ++i) {
        const BlockId b(i);
        const std::size_t d = placement[i].index();
        weights_[d] += blocks_->weight_bytes(b, placement);
        groups_[d] += blocks_->name(b).kind == BlockKind::group ? 1 : 0;
        used[d] = true;
    }
    for (std::size_t d = 0; d < used.size(); ++d) {
        weights_[d] += used[d] ? buffers_ : 0;
    }
}

std::optional<MemoryModel::Shortage> MemoryModel::first_shortage(
    const scheduler::Rates& rates, Nanoseconds time, std::int64_t paged_rows
) const {
    for (std::size_t d = 0; d < weights_.size(); ++d) {
        const Bytes lacking =
            weights_[d] == 0 ? 0 : bytes_held(d, paged_rows) - rates.memory(DeviceId(d), time);
        if (lacking > 0) {
            return Shortage{DeviceId(d), lacking};
        }
    }
    return std::nullopt;
}

std::int64_t rows_in_whole_pages(std::int64_t rows) {
    return (rows + scheduler::kPageTokens - 1) / scheduler::kPageTokens * scheduler::kPageTokens;
}

} // namespace headroom::runtime
