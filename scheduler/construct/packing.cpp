// Blocks have few distinct sizes (groups, proj, ffn of one weight type), so it is enough to try
// moves and swaps with one block per device and size.
#include "scheduler/construct/packing.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "base/random.hpp"
#include "scheduler/construct/count_packing.hpp"
#include "scheduler/cost/block_cost.hpp"
#include "scheduler/cost/memory_ledger.hpp"
#include "scheduler/explain/infeasibility.hpp"

namespace headroom::scheduler {
namespace {

constexpr int kPerturbations = 60;

std::vector<BlockId> by_size(const Ledger& ledger, std::size_t count) {
    std::vector<BlockId> order;
    for (std::size_t b = 0; b < count; ++b) {
        order.emplace_back(b);
    }
    const auto size = [&](BlockId b) {
        return ledger.bytes(b) +
               (ledger.has_compute_limit() ? ledger.as_bytes(ledger.flops(b)) : 0);
    };
    std::ranges::stable_sort(order, std::ranges::greater{}, [&](BlockId a) { return size(a); });
    return order;
}

enum class Fit { tightest, loosest };

/// Returns the device of embed if b is a tied lm_head, which needs few bytes there.
DeviceId matrix_device(const Problem& problem, const Ledger& ledger, BlockId b) {
    const ModelShape& shape = problem.blocks->shape();
    const bool shares = shape.has_ends && shape.tied && b == problem.blocks->lm_head();
    return shares ? ledger.where(problem.blocks->embed()) : DeviceId();
}

/// Returns the device with the least (or most) room among those where b fits; if b fits nowhere,
/// the device with the most room.
DeviceId best_device(const Problem& problem, Ledger& ledger, BlockId b, Fit fit) {
    if (const DeviceId d = matrix_device(problem, ledger, b); d.valid() && ledger.fits(b, d)) {
        return d;
    }
    std::optional<DeviceId> best;
    DeviceId roomiest(0);
    for (std::size_t i = 0; i < ledger.devices(); ++i) {
        const DeviceId d(i);
        if (ledger.room(d) > ledger.room(roomiest)) {
            roomiest = d;
        }
        if (ledger.room(d) < ledger.bytes_on(b, d) ||
            (ledger.has_compute_limit() && !ledger.fits(b, d))) {
            continue;
        }
        const bool tighter = best && ledger.room(d) < ledger.room(*best);
        const bool looser = best && ledger.room(d) > ledger.room(*best);
        if (!best || (fit == Fit::tightest ? tighter : looser)) {
            best = d;
        }
    }
    return best.value_or(roomiest);
}

/// Returns the first block of each device and size, and with compute limits of each layer.
std::vector<BlockId> representatives(const Problem& problem, const Ledger& ledger) {
    using Key = std::tuple<std::int32_t, Bytes, std::int32_t>;
    std::vector<std::pair<Key, BlockId>> keyed;
    for (std::size_t b = 0; b < ledger.placement().size(); ++b) {
        const BlockId id(b);
        const std::int32_t layer = ledger.has_compute_limit() ? problem.blocks->name(id).layer : 0;
        keyed.push_back({{ledger.where(id).value, ledger.bytes(id), layer}, id});
    }
    std::sort(keyed.begin(), keyed.end());
    std::vector<BlockId> firsts;
    for (std::size_t i = 0; i < keyed.size(); ++i) {
        if (i == 0 || keyed[i].first != keyed[i - 1].first) {
            firsts.push_back(keyed[i].second);
        }
    }
    return firsts;
}

struct Exchange {
    BlockId block;
    DeviceId to;
    BlockId back; ///< moves to the device of `block`; invalid if only `block` moves
    Bytes shortage = 0;
};

void apply(Ledger& ledger, const Exchange& e) {
    const DeviceId from = ledger.where(e.block);
    ledger.place(e.block, e.to);
    if (e.back.valid()) {
        ledger.place(e.back, from);
    }
}

Bytes shortage_after(Ledger& ledger, const Exchange& e) {
    const DeviceId from = ledger.where(e.block);
    apply(ledger, e);
    const Bytes shortage = ledger.shortage();
    apply(ledger, {e.block, from, e.back});
    return shortage;
}

/// Returns the move or swap of a block on an overfull device that lowers the shortage most, or
/// nothing if none lowers it.
std::optional<Exchange> best_exchange(const Problem& problem, Ledger& ledger) {
    const std::vector<BlockId> firsts = representatives(problem, ledger);
    std::optional<Exchange> best;
    const auto consider = [&](Exchange e) {
        e.shortage = shortage_after(ledger, e);
        if (e.shortage < (best ? best->shortage : ledger.shortage())) {
            best = e;
        }
    };
    for (const BlockId b : firsts) {
        if (ledger.shortage(ledger.where(b)) == 0) {
            continue;
        }
        for (std::size_t d = 0; d < ledger.devices(); ++d) {
            if (ledger.where(b) != DeviceId(d)) {
                consider({b, DeviceId(d), BlockId(), 0});
            }
        }
        for (const BlockId other : firsts) {
            if (ledger.where(other) != ledger.where(b)) {
                consider({b, ledger.where(other), other, 0});
            }
        }
    }
    return best;
}

void descend(const Problem& problem, Ledger& ledger) {
    while (ledger.shortage() > 0) {
        const std::optional<Exchange> exchange = best_exchange(problem, ledger);
        if (!exchange) {
            return;
        }
        apply(ledger, *exchange);
    }
}

Packing result(const Ledger& ledger) {
    return {ledger.placement(), ledger.shortage()};
}

/// Descends, then perturbs the best attempt and descends again, a fixed number of times.
Packing improve(const Problem& problem, Packing best) {
    Ledger start(problem, best.placement);
    descend(problem, start);
    best = result(start);
    Random random(stream_seed(problem.seed, "packing"));
    for (int perturbation = 0; perturbation < kPerturbations && best.shortage > 0; ++perturbation) {
        Ledger ledger(problem, best.placement);
        const std::uint64_t moves = 1 + random.below(4);
        for (std::uint64_t m = 0; m < moves; ++m) {
            const BlockId b(static_cast<std::size_t>(random.below(best.placement.size())));
            ledger.place(b, DeviceId(static_cast<std::size_t>(random.below(ledger.devices()))));
        }
        descend(problem, ledger);
        if (ledger.shortage() <= best.shortage) {
            best = result(ledger);
        }
    }
    return best;
}

} // namespace

Packing pack(const Problem& problem) {
    Packing best;
    for (const Fit fit : {Fit::tightest, Fit::loosest}) {
        Ledger ledger(problem);
        for (const BlockId b : by_size(ledger, problem.blocks->size())) {
            ledger.place(b, best_device(problem, ledger, b, fit));
        }
        if (best.placement.empty() || ledger.shortage() < best.shortage) {
            best = result(ledger);
        }
    }
    if (best.shortage > 0 && !is_provably_infeasible(problem)) {
        Placement exact = pack_by_counts(problem);
        if (!exact.empty()) {
            const Bytes shortage = Ledger(problem, exact).shortage(); // only compute can lack
            best = shortage < best.shortage ? Packing{std::move(exact), shortage} : best;
        }
        best = improve(problem, std::move(best));
    }
    settle_ends(problem, best.placement);
    return best;
}

} // namespace headroom::scheduler
