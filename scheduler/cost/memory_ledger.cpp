// Under cost profile `physical`, the bytes of a tied lm_head depend on the placement: on the device
// of embed it uses embed's matrix and has none of its own.
#include "scheduler/cost/memory_ledger.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "scheduler/cost/block_cost.hpp"

namespace headroom::scheduler {
namespace {

bool is_tied(const Problem& problem) {
    const ModelShape& shape = problem.blocks->shape();
    return problem.cost_profile == CostProfile::physical && shape.has_ends && shape.tied &&
           !problem.ends_at_source;
}

bool is_pinned(const Problem& problem) {
    return problem.blocks->shape().has_ends && problem.ends_at_source;
}

bool is_paper(const Problem& problem) {
    return problem.cost_profile == CostProfile::paper;
}

} // namespace

Ledger::Ledger(const Problem& problem)
    : blocks_(problem.blocks), buffers_(is_paper(problem) ? 0 : problem.buffers),
      used_(problem.snapshot.size(), 0), count_(problem.snapshot.size(), 0),
      placement_(problem.blocks->size()), tied_(is_tied(problem)), pinned_(is_pinned(problem)) {
    Amount layer; // the sum over the blocks of layer 0
    bytes_.reserve(blocks_->size());
    flops_.reserve(blocks_->size());
    const CacheRows memory_rows = problem.memory_rows();
    for (std::size_t b = 0; b < blocks_->size(); ++b) {
        const BlockCost cost = cost_of(problem, BlockId(b), memory_rows);
        bytes_.push_back(cost.memory);
        flops_.push_back(cost.compute);
        if (blocks_->name(BlockId(b)).layer == 0) {
            layer.bytes += cost.memory;
            layer.flops += cost.compute;
        }
    }
    for (const Snapshot::Device& device : problem.snapshot.devices) {
        budget_.push_back(device.memory);
        if (is_paper(problem)) {
            limit_.push_back(compute_limit(problem, device));
        }
    }
    bytes_per_flop_ = static_cast<double>(std::max<Bytes>(layer.bytes, 1)) /
                      static_cast<double>(std::max<Flops>(layer.flops, 1));
    if (has_compute_limit()) {
        load_.assign(static_cast<std::size_t>(blocks_->shape().layers) * devices(), 0);
        overload_.assign(devices(), 0);
    }
    if (pinned_) {
        reserve_ends(problem);
    }
}

/// Charges embed and lm_head to the source now, so that placing these blocks costs nothing later.
void Ledger::reserve_ends(const Problem& problem) {
    bytes_[blocks_->embed().index()] = 0;
    bytes_[blocks_->lm_head().index()] = 0;
    if (!is_paper(problem)) {
        add(problem.source, ends_bytes(*blocks_), 1);
    }
}

Ledger::Ledger(const Problem& problem, const Placement& placement) : Ledger(problem) {
    HEADROOM_CHECK(placement.size() == bytes_.size(), "{} blocks placed", placement.size());
    for (std::size_t b = 0; b < placement.size(); ++b) {
        place(BlockId(b), placement[b]);
    }
}

Amount Ledger::left(std::int32_t layer, DeviceId d) const {
    const Flops most = limit(d);
    return {room(d), most == kUnlimited ? kUnlimited : most - load(layer, d)};
}

void Ledger::add(DeviceId d, Bytes bytes, std::int32_t blocks) {
    shortage_ -= memory_shortage(d);
    used_[d.index()] += bytes;
    count_[d.index()] += blocks;
    shortage_ += memory_shortage(d);
}

/// Adds (sign 1) or subtracts (−1) the block's FLOP in its layer on d, and updates the excess.
void Ledger::compute(BlockId b, DeviceId d, int sign) {
    const std::int32_t layer = blocks_->name(b).layer;
    if (layer < 0 || limit_[d.index()] == kUnlimited) {
        return;
    }
    Flops& load = load_[static_cast<std::size_t>(layer) * devices() + d.index()];
    const Flops before = load - limit_[d.index()];
    load += sign * flops_[b.index()];
    const Flops after = load - limit_[d.index()];
    if (before <= 0 && after <= 0) {
        return;
    }
    const Bytes change = as_bytes(after) - as_bytes(before);
    overload_[d.index()] += change;
    shortage_ += change;
}

Bytes Ledger::bytes_on(BlockId b, DeviceId d) const {
    const bool shared = tied_ && b == blocks_->lm_head() && where(blocks_->embed()) == d;
    return bytes_[b.index()] - (shared ? blocks_->matrix_bytes(b) : 0);
}

void Ledger::charge(BlockId b, DeviceId d, int sign) {
    if (pinned_ && blocks_->name(b).layer < 0) {
        return;
    }
    add(d, sign * bytes_on(b, d), sign);
    if (has_compute_limit()) {
        compute(b, d, sign);
    }
}

/// Changes the device of a block; an invalid d removes the block. The bytes of a tied lm_head
/// depend on the device of embed, so lm_head is charged again if embed changes its device.
void Ledger::set_device(BlockId b, DeviceId d) {
    const bool moves_matrix = tied_ && b == blocks_->embed();
    const DeviceId lm_head_device = moves_matrix ? where(blocks_->lm_head()) : DeviceId();
    if (lm_head_device.valid()) {
        charge(blocks_->lm_head(), lm_head_device, -1);
    }
    if (where(b).valid()) {
        charge(b, where(b), -1);
    }
    placement_[b.index()] = d;
    if (d.valid()) {
        charge(b, d, 1);
    }
    if (lm_head_device.valid()) {
        charge(blocks_->lm_head(), lm_head_device, 1);
    }
}

void Ledger::place(BlockId b, DeviceId d) {
    HEADROOM_CHECK(d.valid() && d.index() < devices(), "block {} on {}", b.value, d.value);
    set_device(b, d);
}

bool Ledger::fits(BlockId b, DeviceId d) {
    const DeviceId before = where(b);
    place(b, d);
    const bool ok = shortage(d) == 0;
    set_device(b, before);
    return ok;
}

Bytes ends_bytes(const Blocks& blocks) {
    const bool tied = blocks.shape().tied;
    const BlockId lm_head = blocks.lm_head();
    return blocks.matrix_bytes(blocks.embed()) + blocks.norm_bytes(blocks.embed()) +
           (tied ? 0 : blocks.matrix_bytes(lm_head)) + blocks.norm_bytes(lm_head);
}

Bytes min_total_bytes(const Problem& problem) {
    const bool paper = is_paper(problem);
    const Placement together(problem.blocks->size(), DeviceId(0));
    const CacheRows memory_rows = problem.memory_rows();
    Bytes need = paper ? 0 : problem.buffers;
    for (std::size_t i = 0; i < together.size(); ++i) {
        const BlockId b(i);
        need += paper ? cost_of(problem, b, memory_rows).memory
                      : problem.blocks->resident_bytes(b, memory_rows, together);
    }
    return need;
}

} // namespace headroom::scheduler
