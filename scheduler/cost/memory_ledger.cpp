// See memory_ledger.hpp. The one irregular block is a tied lm_head: beside embed it has no matrix
// (physical profile).
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
    Amount layer; // what all of its blocks need
    bytes_.reserve(blocks_->size());
    flops_.reserve(blocks_->size());
    const std::int64_t memory_context = problem.memory_context();
    for (std::size_t b = 0; b < blocks_->size(); ++b) {
        const BlockCost cost = cost_of(problem, BlockId(b), memory_context);
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

/// The source holds both ends from the start; as blocks they weigh nothing more.
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

bool Ledger::shares_matrix(BlockId b) const {
    return tied_ && (b == blocks_->lm_head() || b == blocks_->embed());
}

void Ledger::add(DeviceId d, Bytes bytes, std::int32_t blocks) {
    shortage_ -= memory_shortage(d);
    used_[d.index()] += bytes;
    count_[d.index()] += blocks;
    shortage_ += memory_shortage(d);
}

/// Keeps the FLOP of the block's layer on d, and what is too much of them.
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

void Ledger::remove(BlockId b) {
    const DeviceId d = where(b);
    if (!d.valid()) {
        return;
    }
    // What lm_head is charged depends on where embed is: take it off before embed goes.
    const bool partner = shares_matrix(b) && b == blocks_->embed();
    const DeviceId head = partner ? where(blocks_->lm_head()) : DeviceId();
    if (head.valid()) {
        charge(blocks_->lm_head(), head, -1);
    }
    charge(b, d, -1);
    placement_[b.index()] = DeviceId();
    if (head.valid()) {
        charge(blocks_->lm_head(), head, 1);
    }
}

void Ledger::place(BlockId b, DeviceId d) {
    HEADROOM_CHECK(d.valid() && d.index() < devices(), "block {} on {}", b.value, d.value);
    if (!tied_) { // the common case, a million times in a search
        const DeviceId from = where(b);
        if (from.valid()) {
            charge(b, from, -1);
        }
        placement_[b.index()] = d;
        charge(b, d, 1);
        return;
    }
    remove(b);
    const bool partner = shares_matrix(b) && b == blocks_->embed();
    const DeviceId head = partner ? where(blocks_->lm_head()) : DeviceId();
    if (head.valid()) {
        charge(blocks_->lm_head(), head, -1);
    }
    placement_[b.index()] = d;
    charge(b, d, 1);
    if (head.valid()) {
        charge(blocks_->lm_head(), head, 1);
    }
}

bool Ledger::fits(BlockId b, DeviceId d) {
    const DeviceId before = where(b);
    place(b, d);
    const bool ok = shortage(d) == 0;
    if (before.valid()) {
        place(b, before);
    } else {
        remove(b);
    }
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
    const std::int64_t memory_context = problem.memory_context();
    Bytes need = paper ? 0 : problem.buffers;
    for (std::size_t i = 0; i < together.size(); ++i) {
        const BlockId b(i);
        need += paper ? cost_of(problem, b, memory_context).memory
                      : problem.blocks->resident_bytes(b, memory_context, together);
    }
    return need;
}

} // namespace headroom::scheduler
