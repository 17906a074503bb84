// Moves that address the bottleneck of a layer. Its time is that of the device that finishes last,
// so only moves of units on that device can help. A unit moves to the device where its computation
// and migration cost least; if memory is short, a unit of another layer moves the other way. The
// effect of a move is computed from the times of the draft, and only the best move is evaluated.
#include <algorithm>
#include <cstdint>

#include "scheduler/search/local_search.hpp"

namespace headroom::scheduler {
namespace {

constexpr std::size_t kMostPartners = 8; // most exchanges that are evaluated for one move

} // namespace

void Search::UnitMoves::offer(const UnitMove& move, bool room) {
    if (room && move.objective < fits.objective) {
        fits = move;
    }
    if (move.objective < any.objective) {
        any = move;
    }
}

/// Lists one unit of the device for each previous device. Units with the same one cost the same.
void Search::list_units(Unit unit, std::size_t layer, std::size_t d) {
    units_.clear();
    std::int32_t left = draft_->units_on(unit, layer, d);
    const std::size_t first = unit_of(*problem_->blocks, unit, layer, 0).index();
    for (std::size_t i = first; left > 0; ++i) {
        const BlockId id(i);
        if (draft_->placement()[i].index() != d) {
            continue;
        }
        --left;
        list_unit(id);
    }
}

/// Adds the unit to the list unless that has one with the same previous device.
void Search::list_unit(BlockId id) {
    const Moves& moves = draft_->moves();
    const auto alike = [&](BlockId other) {
        return moves.previous_device(other) == moves.previous_device(id);
    };
    if (std::none_of(units_.begin(), units_.end(), alike)) {
        units_.push_back(id);
    }
}

/// Returns the best moves of a unit on the device that finishes last.
Search::UnitMoves Search::moves_of_latest(Unit unit, std::size_t layer) {
    const Gathering gathering = this->gathering(unit, layer);
    std::size_t last = devices_;
    Nanoseconds latest = 0;
    Nanoseconds others = input_of(gathering);
    for (std::size_t d = 0; d < devices_; ++d) {
        const std::int32_t n = draft_->units_on(unit, layer, d);
        if (n == 0) {
            continue;
        }
        const Nanoseconds time = done(gathering, d, n);
        others = std::max(others, std::min(time, latest));
        last = time > latest ? d : last;
        latest = std::max(latest, time);
    }
    spent_ += 1;
    const UnitMove stay{objective_now(), {}, {}, {}};
    UnitMoves best{stay, stay};
    if (last == devices_ || others >= latest) {
        return best;
    }
    const std::int32_t left = draft_->units_on(unit, layer, last) - 1;
    others = std::max(others, left > 0 ? done(gathering, last, left) : 0);
    list_units(unit, layer, last);
    const DeviceId from(last);
    const Nanoseconds migration = draft_->migration();
    const Nanoseconds rest = draft_->inference() - latest;
    for (std::size_t d = 0; d < devices_; ++d) {
        const Nanoseconds time = done(gathering, d, draft_->units_on(unit, layer, d) + 1);
        const Nanoseconds inference = rest + std::max(others, time);
        if (d == last || time >= latest ||
            objective_of(inference, migration) >= best.fits.objective) {
            continue;
        }
        const bool room = fits(units_.front(), layer, d);
        for (const BlockId id : units_) {
            const Nanoseconds moving = draft_->migration_bound_with(id, DeviceId(d));
            best.offer({objective_of(inference, moving), id, from, DeviceId(d)}, room);
        }
    }
    return best;
}

/// Returns the best moves by the published formula. The transfers of all devices add up, so moving
/// a unit of any device can help.
Search::UnitMoves Search::moves_by_formula(std::size_t layer) {
    const std::size_t proj = draft_->proj(layer);
    const auto count = [&](std::size_t d) { return draft_->units_on(Unit::group, layer, d); };
    const auto time = [&](std::size_t d, std::int32_t n) {
        return n * step_->group_time(layer, d);
    };
    Nanoseconds latest = 0;
    Nanoseconds second = 0;
    std::size_t last = devices_;
    for (std::size_t d = 0; d < devices_; ++d) {
        const Nanoseconds t = time(d, count(d));
        second = std::max(second, std::min(t, latest));
        last = t > latest ? d : last;
        latest = std::max(latest, t);
    }
    spent_ += 1;
    const UnitMove stay{objective_now(), {}, {}, {}};
    UnitMoves best{stay, stay};
    const Nanoseconds migration = draft_->migration();
    const Nanoseconds rest = draft_->inference() - latest;
    for (std::size_t a = 0; a < devices_; ++a) {
        if (count(a) == 0) {
            continue;
        }
        const Nanoseconds others = std::max(a == last ? second : latest, time(a, count(a) - 1));
        const Nanoseconds saved =
            step_->outputs_time(a, proj, count(a)) - step_->outputs_time(a, proj, count(a) - 1);
        list_units(Unit::group, layer, a);
        for (std::size_t b = 0; b < devices_; ++b) {
            const Nanoseconds inference = rest + std::max(others, time(b, count(b) + 1)) - saved +
                                          step_->outputs_time(b, proj, count(b) + 1) -
                                          step_->outputs_time(b, proj, count(b));
            for (const BlockId id : units_) {
                const Nanoseconds moving =
                    b == a ? migration : draft_->migration_bound_with(id, DeviceId(b));
                const UnitMove move{objective_of(inference, moving), id, DeviceId(a), DeviceId(b)};
                if (b != a && move.objective < best.fits.objective) {
                    best.offer(move, fits(id, layer, b));
                }
            }
        }
        spent_ += 1;
    }
    return best;
}

/// If the target is full: moves a unit of another layer or kind the other way, if that layer loses
/// less time than this one gains.
bool Search::swap_instead(const UnitMove& move) {
    const BlockName& name = problem_->blocks->name(move.block);
    const auto layer = static_cast<std::size_t>(name.layer);
    const std::size_t from = move.from.index();
    const std::size_t to = move.to.index();
    const Ledger& ledger = draft_->ledger();
    const Bytes missing = ledger.bytes(move.block) - ledger.room(move.to);
    const Int128 gain = objective_now() - move.objective;
    std::size_t asked = 0;
    for (std::size_t i = 0; i < layers_ && asked < kMostPartners; ++i) {
        const std::size_t k = (layer + i) % layers_;
        for (const Unit unit : units_of(*problem_->blocks)) {
            const BlockKind kind = unit == Unit::group ? BlockKind::group : BlockKind::slice;
            if ((k == layer && kind == name.kind) || draft_->units_on(unit, k, to) == 0 ||
                ledger.bytes(unit_of(*problem_->blocks, unit, k, 0)) < missing) {
                continue;
            }
            const Nanoseconds ready = draft_->stage_time(unit, k);
            const Nanoseconds time =
                done(gathering(unit, k), from, draft_->units_on(unit, k, from) + 1);
            const Int128 loss = Int128{problem_->steps()} * std::max<Nanoseconds>(0, time - ready);
            if (loss >= gain) {
                continue;
            }
            list_units(unit, k, to);
            BlockId back = units_.front();
            Nanoseconds least = kNever;
            for (const BlockId id : units_) {
                const Nanoseconds moving = draft_->migration_bound_with(id, move.from);
                back = moving < least ? id : back;
                least = std::min(least, moving);
            }
            const Nanoseconds free = std::max(draft_->migration(), acceptance_.allowance);
            if (Int128{least} - free + loss >= gain) {
                continue;
            }
            ++asked;
            if (consider({{move.block, move.to}, {back, move.from}})) {
                return true;
            }
        }
    }
    spent_ += 1;
    return false;
}

/// Returns a series of moves, each of a unit on the device that then finishes last, as long as they
/// help. They are not evaluated one by one, because evaluating all at once costs hardly more.
std::vector<Relocation> Search::chained_moves(Unit unit, std::size_t layer) {
    const Gathering gathering = this->gathering(unit, layer);
    const Ledger& ledger = draft_->ledger();
    const Moves& moves = draft_->moves();
    const Nanoseconds input = input_of(gathering);
    std::vector<std::int32_t> counts(devices_);
    std::vector<Nanoseconds> ready(devices_, 0);
    std::vector<Bytes> room(devices_);
    for (std::size_t d = 0; d < devices_; ++d) {
        counts[d] = draft_->units_on(unit, layer, d);
        ready[d] = counts[d] > 0 ? done(gathering, d, counts[d]) : 0;
        room[d] = ledger.room(DeviceId(d));
    }
    std::vector<Relocation> changes;
    std::vector<bool> gone(static_cast<std::size_t>(count_of(*problem_->blocks, unit)), false);
    const std::size_t first = unit_of(*problem_->blocks, unit, layer, 0).index();
    const Bytes each = ledger.bytes(BlockId(first));
    const Nanoseconds begin = *std::max_element(ready.begin(), ready.end());
    Nanoseconds migration = draft_->migration();
    struct Lane {
        DeviceId home;
        DeviceId to;
        Nanoseconds added = 0;
    };
    std::vector<Lane> lanes; // the times that the changes add to links
    for (Int128 now = objective_now();;) {
        const auto last =
            static_cast<std::size_t>(std::max_element(ready.begin(), ready.end()) - ready.begin());
        if (ready[last] <= input || counts[last] == 0) {
            break;
        }
        const Nanoseconds left = counts[last] > 1 ? done(gathering, last, counts[last] - 1) : 0;
        Nanoseconds others = std::max(input, left);
        for (std::size_t d = 0; d < devices_; ++d) {
            others = d == last ? others : std::max(others, ready[d]);
        }
        units_.clear();
        for (std::size_t i = 0; i < gone.size(); ++i) {
            const BlockId id(first + i);
            if (!gone[i] && ledger.where(id).index() == last) {
                list_unit(id);
            }
        }
        Int128 least = now;
        Relocation best;
        Nanoseconds slowest = migration;
        for (std::size_t d = 0; d < devices_; ++d) {
            if (d == last || room[d] < each) {
                continue;
            }
            const Nanoseconds time = std::max(others, done(gathering, d, counts[d] + 1));
            const Nanoseconds inference = draft_->inference() - begin + time;
            if (time >= ready[last] || objective_of(inference, migration) >= least) {
                continue;
            }
            for (const BlockId id : units_) {
                const DeviceId to(d);
                Nanoseconds moving = draft_->migration_bound_with(id, to);
                for (const Lane& lane : lanes) {
                    const bool same = lane.home == moves.previous_device(id) && lane.to == to;
                    moving += same ? lane.added : 0;
                }
                moving = std::max(migration, moving);
                if (objective_of(inference, moving) < least) {
                    least = objective_of(inference, moving);
                    best = {id, to};
                    slowest = moving;
                }
            }
        }
        if (!best.block.valid()) {
            break;
        }
        const std::size_t to = best.to.index();
        lanes.push_back(
            {moves.previous_device(best.block), best.to, moves.time(best.block, best.to)}
        );
        gone[best.block.index() - first] = true;
        changes.push_back(best);
        migration = slowest;
        now = least;
        room[to] -= each;
        room[last] += each;
        ++counts[to];
        --counts[last];
        ready[last] = left;
        ready[to] = done(gathering, to, counts[to]);
    }
    spent_ += 1 + static_cast<std::int64_t>(changes.size()) / 2;
    return changes;
}

bool Search::relieve_bottleneck(Unit unit, std::size_t layer) {
    bool improved = false;
    if (!step_->uses_paper_formulas()) {
        const std::vector<Relocation> changes = chained_moves(unit, layer);
        improved = changes.size() > 1 && consider(changes);
    }
    while (!exhausted()) {
        const UnitMoves best =
            step_->uses_paper_formulas() ? moves_by_formula(layer) : moves_of_latest(unit, layer);
        const bool helped =
            (best.fits.block.valid() && consider({{best.fits.block, best.fits.to}})) ||
            (best.any.block.valid() && best.any.objective < best.fits.objective &&
             swap_instead(best.any));
        if (!helped) {
            break;
        }
        improved = true;
    }
    return improved;
}

bool Search::bottleneck_moves() {
    bool improved = false;
    for (std::size_t l = 0; l < layers_; ++l) {
        for (const Unit unit : units_of(*problem_->blocks)) {
            improved |= !exhausted() && relieve_bottleneck(unit, l);
        }
    }
    return improved;
}

/// Moves the proj, the ffn or both of a layer, its ffn and the next proj, or its hub to the best
/// other device. Units do not move.
bool Search::host_move(std::size_t layer) {
    const std::size_t l = layer;
    const bool sliced = step_->sliced();
    const bool last = l + 1 == layers_;
    const StepDelay::LayerShape shape = draft_->shape(l);
    const Nanoseconds here = draft_->layer_time(l);
    const Nanoseconds following = after(l, shape.ffn);
    const Nanoseconds rest = draft_->inference() - here - following;
    const auto with = [&](BlockId b, std::size_t d) {
        return draft_->migration_bound_with(b, DeviceId(d));
    };
    Int128 least = objective_now();
    std::array<Relocation, 2> best{};
    std::size_t changes = 0;
    const auto offer = [&](Nanoseconds time, Nanoseconds moving, Relocation one, Relocation two) {
        const Int128 now = objective_of(rest + time, moving);
        if (now < least) {
            least = now;
            best = {one, two};
            changes = two.block.valid() ? 2 : 1;
        }
    };
    const BlockId p = proj(l);
    const BlockId f = ffn(l);
    for (std::size_t d = 0; d < devices_; ++d) {
        const DeviceId to(d);
        const Nanoseconds moving_f = with(f, d);
        const Nanoseconds moving_p = sliced ? 0 : with(p, d);
        const bool ffn_pays =
            d != shape.ffn && objective_of(rest, moving_f) < least && fits(f, l, d);
        const bool proj_pays = !sliced && d != shape.proj &&
                               objective_of(rest + following, moving_p) < least && fits(p, l, d);
        Nanoseconds onward = following;
        if (ffn_pays) {
            onward = after(l, d);
            spent_ += 1;
        }
        if (ffn_pays && sliced) {
            const Nanoseconds time =
                step_->layer(l, draft_->activation_device(l), {shape.groups, d, d, shape.slices});
            spent_ += 2;
            offer(time + onward, moving_f, {f, to}, {});
        } else if (ffn_pays) {
            const Nanoseconds inputs = here - step_->from_proj(l, shape.proj, shape.ffn);
            offer(inputs + step_->from_proj(l, shape.proj, d) + onward, moving_f, {f, to}, {});
            if (!last && !step_->uses_paper_formulas()) {
                StepDelay::LayerShape next = draft_->shape(l + 1);
                next.proj = d;
                const BlockId q = proj(l + 1);
                spent_ += 1;
                offer(
                    inputs + step_->from_proj(l, shape.proj, d) + step_->layer(l + 1, d, next),
                    std::max(moving_f, with(q, d)),
                    {f, to},
                    {q, to}
                );
            }
        }
        if (proj_pays) {
            const Nanoseconds inputs = step_->until_proj(
                l, draft_->activation_device(l), {shape.groups, d, d, shape.slices}
            );
            spent_ += 1;
            offer(inputs + step_->from_proj(l, d, shape.ffn) + following, moving_p, {p, to}, {});
            if (ffn_pays) {
                const Nanoseconds both = step_->uses_paper_formulas()
                                             ? moving_p + moving_f - draft_->migration()
                                             : std::max(moving_p, moving_f);
                offer(inputs + step_->from_proj(l, d, d) + onward, both, {p, to}, {f, to});
            }
        }
    }
    return changes > 0 && consider(std::span<const Relocation>(best.data(), changes));
}

bool Search::host_moves() {
    bool improved = false;
    for (std::size_t l = 0; l < layers_ && !exhausted(); ++l) {
        improved |= host_move(l);
    }
    return improved;
}

/// Moves units and hosts away from a device that lacks memory, one of each layer and kind, in the
/// order of their cost per byte, until the rest fits.
bool Search::repair_device(DeviceId from) {
    const Ledger& ledger = draft_->ledger();
    const std::size_t a = from.index();
    struct Offer {
        double price = 0.0;
        Relocation change;
    };
    std::vector<Offer> offers;
    const auto offer_best = [&](BlockId b, std::size_t layer, const auto& later) {
        Offer best;
        for (std::size_t d = 0; d < devices_; ++d) {
            if (d == a || !fits(b, layer, d)) {
                continue;
            }
            const Nanoseconds more = std::max<Nanoseconds>(0, later(d));
            const Nanoseconds moving = draft_->migration_bound_with(b, DeviceId(d));
            const double price =
                static_cast<double>(
                    objective_of(draft_->inference() + more, moving) - objective_now()
                ) /
                static_cast<double>(ledger.bytes(b));
            if (!best.change.block.valid() || price < best.price) {
                best = {price, {b, DeviceId(d)}};
            }
        }
        if (best.change.block.valid()) {
            offers.push_back(best);
        }
    };
    for (std::size_t l = 0; l < layers_; ++l) {
        for (const Unit unit : units_of(*problem_->blocks)) {
            if (draft_->units_on(unit, l, a) == 0) {
                continue;
            }
            const Nanoseconds ready = draft_->stage_time(unit, l);
            const Gathering gathering = this->gathering(unit, l);
            spent_ += 1;
            list_units(unit, l, a);
            offer_best(units_.front(), l, [&](std::size_t d) {
                return done(gathering, d, draft_->units_on(unit, l, d) + 1) - ready;
            });
        }
        for (const BlockId b : {proj(l), ffn(l)}) {
            if (ledger.where(b) != from) {
                continue;
            }
            offer_best(b, l, [&](std::size_t d) {
                StepDelay::LayerShape shape = draft_->shape(l);
                shape.proj = b == proj(l) ? d : shape.proj;
                shape.ffn = b == ffn(l) ? d : shape.ffn;
                spent_ += 1;
                return step_->layer(l, draft_->activation_device(l), shape) - draft_->layer_time(l);
            });
        }
    }
    std::ranges::stable_sort(offers, {}, &Offer::price);
    bool improved = false;
    for (const Offer& offer : offers) {
        improved |= !exhausted() && ledger.shortage(from) > 0 && consider({offer.change});
    }
    return improved;
}

Nanoseconds Search::least_move() const {
    Nanoseconds least = kStall;
    for (const Unit unit : units_of(*problem_->blocks)) {
        for (std::int32_t i = 0; i < count_of(*problem_->blocks, unit); ++i) {
            const BlockId id = unit_of(*problem_->blocks, unit, 0, i);
            for (std::size_t d = 0; d < devices_; ++d) {
                const Nanoseconds time = draft_->moves().time(id, DeviceId(d));
                least = time > 0 ? std::min(least, time) : least;
            }
        }
    }
    return least;
}

bool Search::repair_moves() {
    bool improved = false;
    for (std::size_t d = 0; d < devices_; ++d) {
        while (!exhausted() && draft_->ledger().shortage(DeviceId(d)) > 0 &&
               repair_device(DeviceId(d))) {
            improved = true;
        }
    }
    return improved;
}

} // namespace headroom::scheduler
