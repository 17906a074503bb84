// Exchanges of blocks, for cases in which memory forbids moving a single block.
#include <algorithm>
#include <cstdint>

#include "scheduler/search/local_search.hpp"

namespace headroom::scheduler {
namespace {

/// The number of layers, from the block's own on, at which making room may begin.
constexpr std::size_t kRoomLayers = 8;

} // namespace

/// Moves a large block to a device without room for it, and units from there the other way: first
/// those of its layer, then those of the following layers.
bool Search::with_room_made(std::size_t layer, BlockId heavy, std::size_t to) {
    const Ledger& ledger = draft_->ledger();
    const std::size_t from = ledger.where(heavy).index();
    const Bytes excess = ledger.bytes(heavy) - ledger.room(DeviceId(to));
    if (from == to || excess <= 0) {
        return false;
    }
    bool improved = false;
    for (std::size_t s = 0; s < std::min(layers_, kRoomLayers) && !improved; ++s) {
        std::vector<Relocation> changes = {{heavy, DeviceId(to)}};
        Bytes freed = 0;
        for (std::size_t k = 0; k < layers_ && freed < excess; ++k) {
            const std::size_t l = (layer + s + k) % layers_;
            for (const Unit unit : units_of(*problem_->blocks)) {
                const Bytes each = ledger.bytes(unit_of(*problem_->blocks, unit, l, 0));
                const Bytes missing = std::max<Bytes>(excess - freed, 0);
                const auto wanted = static_cast<std::int32_t>(
                    std::min<Bytes>((missing + each - 1) / each, count_of(*problem_->blocks, unit))
                );
                for (const BlockId id : pick_units(unit, l, to, from, wanted)) {
                    changes.push_back({id, DeviceId(from)});
                    freed += each;
                }
            }
        }
        improved = freed >= excess && consider(changes);
    }
    return improved;
}

bool Search::heavy_swaps() {
    bool improved = false;
    for (std::size_t l = 0; l < layers_; ++l) {
        for (const BlockId heavy : {proj(l), ffn(l)}) {
            for (std::size_t d = 0; d < devices_ && !exhausted(); ++d) {
                improved |= with_room_made(l, heavy, d);
            }
        }
        for (std::size_t k = 0; k < layers_ && !exhausted(); ++k) {
            const DeviceId ffn_l(draft_->ffn(l));
            const DeviceId ffn_k(draft_->ffn(k));
            if (k > l && ffn_l != ffn_k) {
                improved |= consider({{ffn(l), ffn_k}, {ffn(k), ffn_l}});
            }
            const DeviceId proj_l(draft_->proj(l));
            const DeviceId proj_k(draft_->proj(k));
            if (k > l && proj_l != proj_k) {
                improved |= consider({{proj(l), proj_k}, {proj(k), proj_l}});
            }
            const DeviceId ffn_now(draft_->ffn(k));
            if (DeviceId(draft_->proj(l)) != ffn_now) {
                improved |= consider({{proj(l), ffn_now}, {ffn(k), DeviceId(draft_->proj(l))}});
            }
        }
    }
    return improved;
}

/// Exchanges a unit with one of another layer or kind if memory forbids moving it alone. Also
/// exchanges two units of one layer, which can lower D_mig and does not change D_inf.
bool Search::unit_swaps() {
    bool improved = false;
    for (std::size_t l = 0; l < layers_; ++l) {
        for (const Unit unit : units_of(*problem_->blocks)) {
            const Bytes each = draft_->ledger().bytes(unit_of(*problem_->blocks, unit, l, 0));
            for (std::size_t a = 0; a < devices_; ++a) {
                for (std::size_t b = 0; b < devices_ && !exhausted(); ++b) {
                    const bool full = draft_->ledger().room(DeviceId(b)) < each;
                    improved |= a != b && unit_swap({unit, l}, DeviceId(a), DeviceId(b), full);
                }
            }
        }
    }
    return improved;
}

bool Search::unit_swap(const LayerUnit& one, DeviceId from, DeviceId to, bool full) {
    const std::size_t a = from.index();
    const std::size_t b = to.index();
    bool improved = false;
    for (std::size_t k = 0; k < layers_ && !exhausted(); ++k) {
        for (const Unit unit : units_of(*problem_->blocks)) {
            const bool same = k == one.layer && unit == one.unit;
            const bool useless = same && draft_->moves().moved() == 0;
            if ((same && a > b) || (!same && !full) || useless) {
                continue;
            }
            const std::vector<BlockId> there = pick_units(one.unit, one.layer, a, b, 1);
            const std::vector<BlockId> back = pick_units(unit, k, b, a, 1);
            if (!there.empty() && !back.empty()) {
                improved |= consider({{there[0], to}, {back[0], from}});
            }
        }
    }
    return improved;
}

} // namespace headroom::scheduler
