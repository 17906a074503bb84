// The dearer half of the neighbourhood: exchanges, for when memory forbids a plain move.
#include <algorithm>
#include <cstdint>

#include "scheduler/policies/search.hpp"

namespace headroom::scheduler {
namespace {

/// Layers with which making room may begin: the block's own and the next few.
constexpr std::size_t kRoomLayers = 8;

} // namespace

/// Moves a heavy block to a device that is too full for it, and groups from there the other way:
/// the layer's own first, then those of the following layers.
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
            const Bytes each =
                ledger.bytes(problem_->blocks->group(static_cast<std::int32_t>(l), 0));
            const auto wanted = static_cast<std::int32_t>(
                std::min<Bytes>((excess - freed + each - 1) / each, problem_->blocks->groups())
            );
            for (const BlockId id : pick_groups(l, to, from, wanted)) {
                changes.push_back({id, DeviceId(from)});
                freed += each;
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

/// One group of a layer against one of another layer, where memory forbids a plain move; within a
/// layer, two groups that each other's home would suit (D_inf stays, D_mig falls).
bool Search::group_swaps() {
    bool improved = false;
    for (std::size_t l = 0; l < layers_; ++l) {
        const Bytes each =
            draft_->ledger().bytes(problem_->blocks->group(static_cast<std::int32_t>(l), 0));
        for (std::size_t a = 0; a < devices_; ++a) {
            for (std::size_t b = 0; b < devices_; ++b) {
                const bool full = draft_->ledger().room(DeviceId(b)) < each;
                for (std::size_t k = 0; k < layers_ && !exhausted(); ++k) {
                    if (a == b || (k == l && a > b) || (k != l && !full)) {
                        continue;
                    }
                    const std::vector<BlockId> there = pick_groups(l, a, b, 1);
                    const std::vector<BlockId> back = pick_groups(k, b, a, 1);
                    const bool useless = k == l && draft_->moves().moved() == 0;
                    if (!there.empty() && !back.empty() && !useless) {
                        improved |= consider({{there[0], DeviceId(b)}, {back[0], DeviceId(a)}});
                    }
                }
            }
        }
    }
    return improved;
}

} // namespace headroom::scheduler
