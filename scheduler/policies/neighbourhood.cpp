// What a descent tries. Groups of a layer are interchangeable, so moves are thought in counts per
// device, and which group travels is chosen so that as few bytes as possible move.
#include <algorithm>
#include <cstdint>

#include "scheduler/policies/planner.hpp"
#include "scheduler/policies/search.hpp"

namespace headroom::scheduler {

std::vector<BlockId> Search::pick_groups(
    std::size_t layer, std::size_t a, std::size_t b, std::int32_t k
) {
    const std::size_t first = problem_->blocks->group(static_cast<std::int32_t>(layer), 0).index();
    const auto groups = static_cast<std::size_t>(problem_->blocks->groups());
    const auto wanted = static_cast<std::size_t>(k);
    std::vector<BlockId> picked;
    enum class Kind { coming_home, stranger, settled };
    for (const Kind kind : {Kind::coming_home, Kind::stranger, Kind::settled}) {
        for (std::size_t i = first; i < first + groups && picked.size() < wanted; ++i) {
            const BlockId id(i);
            if (draft_->ledger().where(id).index() != a) {
                continue;
            }
            const DeviceId home = draft_->moves().home(id);
            const Kind now = home == DeviceId(b)   ? Kind::coming_home
                             : home == DeviceId(a) ? Kind::settled
                                                   : Kind::stranger;
            if (now == kind) {
                picked.push_back(id);
            }
        }
    }
    return picked;
}

std::vector<Relocation> Search::regroup(
    std::size_t layer, const std::vector<std::int32_t>& counts
) {
    std::vector<std::int32_t> missing(counts);
    std::vector<BlockId> loose;
    const auto wanted = [&](DeviceId d) { return d.valid() && missing[d.index()] > 0; };
    std::vector<Relocation> changes;
    for (std::int32_t g = 0; g < problem_->blocks->groups(); ++g) {
        const BlockId id = problem_->blocks->group(static_cast<std::int32_t>(layer), g);
        const DeviceId home = draft_->moves().home(id);
        const DeviceId anchor = home.valid() ? home : draft_->ledger().where(id);
        if (wanted(anchor)) {
            --missing[anchor.index()];
            changes.push_back({id, anchor});
        } else {
            loose.push_back(id);
        }
    }
    std::size_t d = 0;
    for (const BlockId id : loose) {
        while (missing[d] == 0) {
            ++d;
        }
        --missing[d];
        changes.push_back({id, DeviceId(d)});
    }
    return changes;
}

bool Search::heavy_moves() {
    bool improved = false;
    for (std::size_t l = 0; l < layers_; ++l) {
        for (std::size_t b = 0; b < devices_ && !exhausted(); ++b) {
            const DeviceId to(b);
            if (draft_->proj(l) != b) {
                improved |= consider({{proj(l), to}});
            }
            if (draft_->ffn(l) != b) {
                improved |= consider({{ffn(l), to}});
            }
            if (draft_->proj(l) != b && draft_->ffn(l) != b) {
                improved |= consider({{proj(l), to}, {ffn(l), to}});
            }
            if (l + 1 < layers_ && draft_->ffn(l) != b) {
                improved |= consider({{ffn(l), to}, {proj(l + 1), to}});
            }
        }
    }
    return improved;
}

bool Search::group_moves() {
    bool improved = false;
    for (std::size_t l = 0; l < layers_; ++l) {
        for (std::size_t a = 0; a < devices_; ++a) {
            for (std::size_t b = 0; b < devices_ && !exhausted(); ++b) {
                const std::int32_t n = draft_->groups_on(l, a);
                if (a == b || n == 0) {
                    continue;
                }
                std::int32_t last = 0;
                for (const std::int32_t k : {1, (n + 1) / 2, n}) {
                    if (k == last || draft_->groups_on(l, a) < k) {
                        continue;
                    }
                    last = k;
                    std::vector<Relocation> changes;
                    for (const BlockId id : pick_groups(l, a, b, k)) {
                        changes.push_back({id, DeviceId(b)});
                    }
                    improved |= consider(changes);
                }
            }
        }
    }
    return improved;
}

bool Search::end_moves() {
    if (!problem_->blocks->shape().ends || step_->by_formula()) {
        return false;
    }
    const BlockId embed = problem_->blocks->embed();
    const BlockId lm_head = problem_->blocks->lm_head();
    bool improved = false;
    for (std::size_t d = 0; d < devices_; ++d) {
        const DeviceId to(d);
        improved |= consider({{embed, to}});
        improved |= consider({{lm_head, to}});
        improved |= consider({{embed, to}, {lm_head, to}});
    }
    return improved;
}

/// Blocks of the slowest link or storage, or of one layer, go back to where they came from.
bool Search::homeward_moves() {
    if (draft_->moves().moved() == 0) {
        return false;
    }
    bool improved = false;
    const MoveDelay::Link slowest = draft_->moves().slowest();
    std::vector<Relocation> link_home;
    std::vector<std::vector<Relocation>> layer_home(layers_);
    for (std::size_t i = 0; i < draft_->placement().size(); ++i) {
        const BlockId id(i);
        const DeviceId home = draft_->moves().home(id);
        if (draft_->placement()[i] == home) {
            continue;
        }
        const bool on_it = !slowest.from.valid() || home == slowest.from;
        if (on_it && draft_->placement()[i] == slowest.to) {
            link_home.push_back({id, home});
        }
        const std::int32_t layer = problem_->blocks->name(id).layer;
        if (layer >= 0) {
            layer_home[static_cast<std::size_t>(layer)].push_back({id, home});
        }
    }
    improved |= consider(link_home);
    for (const Relocation& change : link_home) {
        improved |= consider({change});
    }
    for (const std::vector<Relocation>& changes : layer_home) {
        improved |= !changes.empty() && consider(changes);
    }
    return improved;
}

/// A whole layer, and all layers from one on, to one device.
bool Search::layer_moves() {
    bool improved = false;
    for (std::size_t l = 0; l < layers_; ++l) {
        for (std::size_t d = 0; d < devices_ && !exhausted(); ++d) {
            std::vector<Relocation> one;
            std::vector<Relocation> tail;
            for (std::size_t i = 0; i < draft_->placement().size(); ++i) {
                const std::int32_t layer = problem_->blocks->name(BlockId(i)).layer;
                if (layer == static_cast<std::int32_t>(l)) {
                    one.push_back({BlockId(i), DeviceId(d)});
                }
                if (layer >= static_cast<std::int32_t>(l)) {
                    tail.push_back({BlockId(i), DeviceId(d)});
                }
            }
            improved |= consider(one);
            improved |= l + 1 < layers_ && consider(tail);
        }
    }
    return improved;
}

/// The same move in all layers at once, between two devices; and everything, there and back.
bool Search::device_moves() {
    bool improved = false;
    for (std::size_t a = 0; a < devices_; ++a) {
        for (std::size_t b = 0; b < devices_ && !exhausted(); ++b) {
            if (a == b) {
                continue;
            }
            const DeviceId from(a);
            const DeviceId to(b);
            std::vector<Relocation> one_group;
            std::vector<Relocation> groups;
            std::vector<Relocation> projs;
            std::vector<Relocation> ffns;
            std::vector<Relocation> all;
            std::vector<Relocation> swap;
            for (std::size_t l = 0; l < layers_; ++l) {
                for (const BlockId id : pick_groups(l, a, b, 1)) {
                    one_group.push_back({id, to});
                }
            }
            for (std::size_t i = 0; i < draft_->placement().size(); ++i) {
                const BlockId id(i);
                const DeviceId d = draft_->placement()[i];
                if (d == to) {
                    swap.push_back({id, from});
                }
                if (d != from) {
                    continue;
                }
                all.push_back({id, to});
                swap.push_back({id, to});
                const BlockKind kind = problem_->blocks->name(id).kind;
                if (kind == BlockKind::group) {
                    groups.push_back({id, to});
                } else if (kind == BlockKind::proj) {
                    projs.push_back({id, to});
                } else if (kind == BlockKind::ffn) {
                    ffns.push_back({id, to});
                }
            }
            std::vector<Relocation> heavy(projs);
            heavy.insert(heavy.end(), ffns.begin(), ffns.end());
            for (const auto* changes : {&all, &groups, &projs, &ffns, &heavy, &one_group, &swap}) {
                if (!changes->empty() && consider(*changes)) {
                    improved = true;
                    break; // the lists describe the placement before this one
                }
            }
        }
    }
    return improved;
}

/// A layer planned afresh: every pair of devices for proj and ffn, groups spread within memory.
bool Search::replans() {
    bool improved = false;
    // Spreading groups is work as well: counted against an evaluation's cost of a layer.
    const auto planning_cost =
        static_cast<std::int64_t>(devices_) * problem_->blocks->groups() / 64;
    for (std::size_t l = 0; l < layers_; ++l) {
        const BlockId group = problem_->blocks->group(static_cast<std::int32_t>(l), 0);
        for (std::size_t p = 0; p < devices_; ++p) {
            for (std::size_t f = 0; f < devices_ && !exhausted(); ++f) {
                spent_ += planning_cost;
                const Ledger& ledger = draft_->ledger();
                const Amount each = ledger.need(group);
                std::vector<std::int32_t> caps(devices_);
                for (std::size_t d = 0; d < devices_; ++d) {
                    Amount left = ledger.left(static_cast<std::int32_t>(l), DeviceId(d));
                    left.add(each, draft_->groups_on(l, d));
                    left.add(ledger.need(proj(l)), (draft_->proj(l) == d) - (p == d));
                    left.add(ledger.need(ffn(l)), (draft_->ffn(l) == d) - (f == d));
                    caps[d] = left.times(each, problem_->blocks->groups());
                }
                const std::vector<std::int32_t> counts = spread_groups(
                    *step_, l, draft_->holder(l), p, caps, problem_->blocks->groups()
                );
                if (counts.empty()) {
                    continue;
                }
                std::vector<Relocation> changes = regroup(l, counts);
                changes.push_back({proj(l), DeviceId(p)});
                changes.push_back({ffn(l), DeviceId(f)});
                improved |= consider(changes);
            }
        }
    }
    return improved;
}

} // namespace headroom::scheduler
