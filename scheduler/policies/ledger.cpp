// See ledger.hpp. The one irregular block is a tied lm_head: beside embed it has no matrix.
#include "scheduler/policies/ledger.hpp"

#include "base/check.hpp"

namespace headroom::scheduler {
namespace {

bool is_tied(const Blocks& blocks) {
    return blocks.shape().ends && blocks.shape().tied;
}

} // namespace

Ledger::Ledger(const Problem& problem)
    : blocks_(problem.blocks), buffers_(problem.buffers), used_(problem.snapshot.size(), 0),
      count_(problem.snapshot.size(), 0), placement_(problem.blocks->size()),
      tied_(is_tied(*problem.blocks)) {
    bytes_.reserve(blocks_->size());
    for (std::size_t b = 0; b < blocks_->size(); ++b) {
        const BlockId id(b);
        bytes_.push_back(
            blocks_->matrix_bytes(id) + blocks_->norm_bytes(id) +
            blocks_->cache_bytes(id, problem.horizon())
        );
    }
    for (const Snapshot::Device& device : problem.snapshot.devices) {
        budget_.push_back(device.memory);
    }
}

Ledger::Ledger(const Problem& problem, const Placement& placement) : Ledger(problem) {
    HEADROOM_CHECK(placement.size() == bytes_.size(), "{} blocks placed", placement.size());
    for (std::size_t b = 0; b < placement.size(); ++b) {
        place(BlockId(b), placement[b]);
    }
}

bool Ledger::shares_matrix(BlockId b) const {
    return tied_ && (b == blocks_->lm_head() || b == blocks_->embed());
}

void Ledger::add(DeviceId d, Bytes bytes, std::int32_t blocks) {
    shortage_ -= lacks(d);
    used_[d.index()] += bytes;
    count_[d.index()] += blocks;
    shortage_ += lacks(d);
}

void Ledger::charge(BlockId b, DeviceId d, int sign) {
    Bytes bytes = bytes_[b.index()];
    if (tied_ && b == blocks_->lm_head() && where(blocks_->embed()) == d) {
        bytes -= blocks_->matrix_bytes(b);
    }
    add(d, sign * bytes, sign);
}

void Ledger::lift(BlockId b) {
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
    lift(b);
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
    const bool ok = lacks(d) == 0;
    if (before.valid()) {
        place(b, before);
    } else {
        lift(b);
    }
    return ok;
}

Bytes least_need(const Problem& problem) {
    const Placement together(problem.blocks->size(), DeviceId(0));
    Bytes need = problem.buffers;
    for (std::size_t b = 0; b < together.size(); ++b) {
        need += problem.blocks->resident_bytes(BlockId(b), problem.horizon(), together);
    }
    return need;
}

} // namespace headroom::scheduler
