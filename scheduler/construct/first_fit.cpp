#include "scheduler/construct/first_fit.hpp"

#include <utility>

#include "scheduler/construct/packing.hpp"
#include "scheduler/cost/block_cost.hpp"
#include "scheduler/cost/memory_ledger.hpp"
#include "scheduler/explain/infeasibility.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler {
namespace {

bool place_somewhere(Ledger& ledger, BlockId b, std::size_t first) {
    for (std::size_t k = 0; k < ledger.devices(); ++k) {
        const DeviceId d((first + k) % ledger.devices());
        if (ledger.fits(b, d)) {
            ledger.place(b, d);
            return true;
        }
    }
    return false;
}

/// Returns the placement by first fit; empty if a block finds no room.
Placement first_fit_placement(const Problem& problem, const StartDevice& first) {
    Ledger ledger(problem);
    for (std::size_t b = 0; b < problem.blocks->size(); ++b) {
        if (!place_somewhere(ledger, BlockId(b), first(b, ledger.devices()))) {
            return {};
        }
    }
    if (ledger.shortage() > 0) { // the source cannot hold its pinned blocks
        return {};
    }
    Placement placement = ledger.placement();
    settle_ends(problem, placement);
    return placement;
}

} // namespace

std::size_t start_at_lowest(std::size_t /*i*/, std::size_t /*devices*/) {
    return 0;
}

std::size_t start_at_next(std::size_t i, std::size_t devices) {
    return i % devices;
}

Decision first_fit(const Problem& problem, const StartDevice& first) {
    Placement placement = first_fit_placement(problem, first);
    const char* note = "every block on the first device with room";
    if (placement.empty()) {
        Packing packing = pack(problem);
        if (packing.shortage > 0) {
            return infeasible_decision(problem, packing.placement);
        }
        placement = std::move(packing.placement);
        note = "packed by size, because in canonical order a block found no room";
    }
    Decision decision = evaluate(problem, std::move(placement));
    decision.why.notes = {note};
    return decision;
}

} // namespace headroom::scheduler
