// The simple moves of a descent. The groups of a layer are interchangeable, so moves change counts
// per device. The groups that move are chosen so that as few bytes as possible migrate.
#include <algorithm>
#include <array>
#include <cstdint>

#include "scheduler/construct/chain_planner.hpp"
#include "scheduler/search/local_search.hpp"

namespace headroom::scheduler {

std::vector<BlockId> Search::pick_units(
    Unit unit, std::size_t layer, std::size_t a, std::size_t b, std::int32_t k
) {
    const std::int32_t count = count_of(*problem_->blocks, unit);
    const auto wanted = static_cast<std::size_t>(k);
    std::vector<BlockId> picked;
    enum class Previous { on_b, elsewhere, on_a };
    for (const Previous wanted_previous : {Previous::on_b, Previous::elsewhere, Previous::on_a}) {
        for (std::int32_t i = 0; i < count && picked.size() < wanted; ++i) {
            const BlockId id = unit_of(*problem_->blocks, unit, layer, i);
            if (draft_->ledger().where(id).index() != a) {
                continue;
            }
            const DeviceId home = draft_->moves().previous_device(id);
            const Previous previous = home == DeviceId(b)   ? Previous::on_b
                                      : home == DeviceId(a) ? Previous::on_a
                                                            : Previous::elsewhere;
            if (previous == wanted_previous) {
                picked.push_back(id);
            }
        }
    }
    return picked;
}

bool Search::heavy_moves() {
    bool improved = false;
    for (std::size_t l = 0; l < layers_; ++l) {
        for (std::size_t b = 0; b < devices_ && !exhausted(); ++b) {
            const DeviceId to(b);
            if (draft_->ffn(l) != b) {
                improved |= consider({{ffn(l), to}});
            }
            if (draft_->proj(l) != b && !step_->sliced()) {
                improved |= consider({{proj(l), to}});
            }
            if (draft_->proj(l) != b && draft_->ffn(l) != b && !step_->sliced()) {
                improved |= consider({{proj(l), to}, {ffn(l), to}});
            }
            if (l + 1 < layers_ && draft_->ffn(l) != b) {
                improved |= consider({{ffn(l), to}, {proj(l + 1), to}});
            }
        }
    }
    return improved;
}

bool Search::unit_moves() {
    bool improved = false;
    const auto move = [&](Unit unit, std::size_t l, std::size_t a, std::size_t b) {
        const std::int32_t n = draft_->units_on(unit, l, a);
        std::int32_t last = 0;
        for (const std::int32_t k : {1, (n + 1) / 2, n}) {
            if (k == last || draft_->units_on(unit, l, a) < k) {
                continue;
            }
            last = k;
            std::vector<Relocation> changes;
            for (const BlockId id : pick_units(unit, l, a, b, k)) {
                changes.push_back({id, DeviceId(b)});
            }
            improved |= consider(changes);
        }
    };
    for (std::size_t l = 0; l < layers_; ++l) {
        for (const Unit unit : units_of(*problem_->blocks)) {
            for (std::size_t a = 0; a < devices_; ++a) {
                for (std::size_t b = 0; b < devices_ && !exhausted(); ++b) {
                    if (a != b && draft_->units_on(unit, l, a) > 0) {
                        move(unit, l, a, b);
                    }
                }
            }
        }
    }
    return improved;
}

bool Search::end_moves() {
    if (!problem_->blocks->shape().has_ends || problem_->ends_at_source ||
        step_->uses_paper_formulas()) {
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

/// Moves blocks back to their previous devices: those of the slowest link or storage, or of a
/// layer.
bool Search::undo_migration() {
    if (draft_->moves().moved() == 0) {
        return false;
    }
    bool improved = false;
    const MoveDelay::Link slowest = draft_->moves().slowest();
    std::vector<Relocation> link_home;
    std::vector<std::vector<Relocation>> layer_home(layers_);
    for (std::size_t i = 0; i < draft_->placement().size(); ++i) {
        const BlockId id(i);
        const DeviceId home = draft_->moves().previous_device(id);
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

/// Moves a whole layer, or all layers from one on, to one device.
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

/// Moves blocks of all layers at once from one device to another, or exchanges all blocks of both.
bool Search::device_moves() {
    bool improved = false;
    for (std::size_t a = 0; a < devices_; ++a) {
        for (std::size_t b = 0; b < devices_ && !exhausted(); ++b) {
            improved |= a != b && device_move(DeviceId(a), DeviceId(b));
        }
    }
    return improved;
}

bool Search::device_move(DeviceId from, DeviceId to) {
    constexpr std::size_t kKinds = 7;
    std::array<std::vector<Relocation>, kKinds> of_kind; // all blocks of one kind
    std::vector<Relocation> all;
    std::vector<Relocation> heavy;
    std::vector<Relocation> one_each;
    std::vector<Relocation> swap;
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
        of_kind[static_cast<std::size_t>(kind)].push_back({id, to});
        if (kind == BlockKind::proj || kind == BlockKind::ffn) {
            heavy.push_back({id, to});
        }
    }
    for (std::size_t l = 0; l < layers_; ++l) {
        for (const Unit unit : units_of(*problem_->blocks)) {
            for (const BlockId id : pick_units(unit, l, from.index(), to.index(), 1)) {
                one_each.push_back({id, to});
            }
        }
    }
    const auto helps = [&](const std::vector<Relocation>& changes) {
        return !changes.empty() && consider(changes);
    };
    // The lists refer to the present placement, so only one of them may be applied.
    return helps(all) || std::any_of(of_kind.begin(), of_kind.end(), helps) || helps(heavy) ||
           helps(one_each) || helps(swap);
}

} // namespace headroom::scheduler
