// See packing.hpp. Blocks come in few sizes (groups, proj, ffn of one stored type), so moves and
// swaps look at one block per device and size only.
#include "scheduler/policies/packing.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/random.hpp"
#include "scheduler/policies/ledger.hpp"

namespace headroom::scheduler {
namespace {

constexpr int kKicks = 60;

std::vector<BlockId> by_size(const Ledger& ledger, std::size_t count) {
    std::vector<BlockId> order;
    for (std::size_t b = 0; b < count; ++b) {
        order.emplace_back(b);
    }
    std::stable_sort(order.begin(), order.end(), [&](BlockId a, BlockId b) {
        return ledger.bytes(a) > ledger.bytes(b);
    });
    return order;
}

enum class Fit { tightest, loosest };

/// A tied lm_head costs next to nothing beside embed: the device to try first, if any.
DeviceId partner_of(const Problem& problem, const Ledger& ledger, BlockId b) {
    const ModelShape& shape = problem.blocks->shape();
    const bool shares = shape.ends && shape.tied && b == problem.blocks->lm_head();
    return shares ? ledger.where(problem.blocks->embed()) : DeviceId();
}

/// The device for b that has room and the least (or most) of it; none: the one with most room.
DeviceId best_device(const Problem& problem, Ledger& ledger, BlockId b, Fit fit) {
    const DeviceId partner = partner_of(problem, ledger, b);
    if (partner.valid() && ledger.fits(b, partner)) {
        return partner;
    }
    std::optional<DeviceId> best;
    DeviceId roomiest(0);
    for (std::size_t i = 0; i < ledger.devices(); ++i) {
        const DeviceId d(i);
        if (ledger.room(d) > ledger.room(roomiest)) {
            roomiest = d;
        }
        if (!ledger.fits(b, d)) {
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

/// One block per (device, size): the first of each in block order.
std::vector<BlockId> representatives(const Ledger& ledger) {
    std::vector<std::pair<std::pair<std::int32_t, Bytes>, BlockId>> keyed;
    for (std::size_t b = 0; b < ledger.placement().size(); ++b) {
        const BlockId id(b);
        keyed.push_back({{ledger.where(id).value, ledger.bytes(id)}, id});
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
    BlockId back; ///< travels the other way; invalid: nothing does
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
    ledger.place(e.block, from);
    if (e.back.valid()) {
        ledger.place(e.back, e.to);
    }
    return shortage;
}

/// The move or swap out of an overfull device that leaves the least shortage, if any lowers it.
std::optional<Exchange> best_exchange(Ledger& ledger) {
    const std::vector<BlockId> firsts = representatives(ledger);
    std::optional<Exchange> best;
    const auto consider = [&](Exchange e) {
        e.shortage = shortage_after(ledger, e);
        if (e.shortage < (best ? best->shortage : ledger.shortage())) {
            best = e;
        }
    };
    for (const BlockId b : firsts) {
        if (ledger.lacks(ledger.where(b)) == 0) {
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

void descend(Ledger& ledger) {
    while (ledger.shortage() > 0) {
        const std::optional<Exchange> exchange = best_exchange(ledger);
        if (!exchange) {
            return;
        }
        apply(ledger, *exchange);
    }
}

Packing result(const Ledger& ledger) {
    return {ledger.placement(), ledger.shortage()};
}

/// Descends, then kicks the best attempt at random and descends again, a fixed number of times.
Packing improve(const Problem& problem, Packing best) {
    Ledger start(problem, best.placement);
    descend(start);
    best = result(start);
    Random random(stream_seed(problem.seed, "packing"));
    for (int kick = 0; kick < kKicks && best.shortage > 0; ++kick) {
        Ledger ledger(problem, best.placement);
        const std::uint64_t moves = 1 + random.below(4);
        for (std::uint64_t m = 0; m < moves; ++m) {
            const BlockId b(static_cast<std::size_t>(random.below(best.placement.size())));
            ledger.place(b, DeviceId(static_cast<std::size_t>(random.below(ledger.devices()))));
        }
        descend(ledger);
        if (ledger.shortage() <= best.shortage) {
            best = result(ledger);
        }
    }
    return best;
}

Bytes total_memory(const Problem& problem) {
    Bytes total = 0;
    for (const Snapshot::Device& device : problem.snapshot.devices) {
        const bool overflows = device.memory > std::numeric_limits<Bytes>::max() - total;
        total = overflows ? std::numeric_limits<Bytes>::max() : total + device.memory;
    }
    return total;
}

} // namespace

bool hopeless(const Problem& problem) {
    return least_need(problem) > total_memory(problem);
}

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
    return best.shortage > 0 && !hopeless(problem) ? improve(problem, std::move(best)) : best;
}

std::string lacking_devices(const Problem& problem, const Placement& placement) {
    const Ledger ledger(problem, placement);
    std::string text;
    for (std::size_t i = 0; i < ledger.devices(); ++i) {
        const DeviceId d(i);
        if (ledger.lacks(d) > 0) {
            text += fmt::format(
                "{}device {} lacks {} (needs {}, has {})",
                text.empty() ? "" : ", ",
                d.value,
                format_bytes(ledger.lacks(d)),
                format_bytes(ledger.used(d)),
                format_bytes(ledger.budget(d))
            );
        }
    }
    return text;
}

std::string shortage_reason(const Problem& problem, const Placement& attempt) {
    const Bytes need = least_need(problem);
    const Bytes total = total_memory(problem);
    std::string needs = format_bytes(need);
    std::string has = format_bytes(total);
    if (needs == has) { // a small difference would read as none
        needs = fmt::format("{} B", need);
        has = fmt::format("{} B", total);
    }
    const std::string sums = fmt::format(
        "at context {} the blocks need {} in all, the devices have {} together",
        problem.horizon(),
        needs,
        has
    );
    const std::string lacking = lacking_devices(problem, attempt);
    return hopeless(problem) ? fmt::format("{}: in the best attempt {}", sums, lacking)
                             : fmt::format("no placement found: {}, but {}", sums, lacking);
}

Decision infeasible(const Problem& problem, const Placement& attempt) {
    Decision decision;
    decision.feasible = false;
    decision.reason = shortage_reason(problem, attempt);
    return decision;
}

} // namespace headroom::scheduler
