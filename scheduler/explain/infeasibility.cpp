#include "scheduler/explain/infeasibility.hpp"

#include <limits>
#include <optional>
#include <utility>

#include "scheduler/cost/block_cost.hpp"
#include "scheduler/cost/memory_ledger.hpp"

namespace headroom::scheduler {
namespace {

Bytes total_memory(const Problem& problem) {
    Bytes total = 0;
    for (const Snapshot::Device& device : problem.snapshot.devices) {
        const bool overflows = device.memory > std::numeric_limits<Bytes>::max() - total;
        total = overflows ? std::numeric_limits<Bytes>::max() : total + device.memory;
    }
    return total;
}

/// The compute of a layer and of the devices within T_budget. All layers need the same compute.
struct Compute {
    BlockId largest; ///< the block of a layer that needs most
    Flops largest_flops = 0;
    Flops layer = 0; ///< FLOP of all blocks of a layer
    DeviceId fastest{0};
    Flops fastest_limit = 0;
    double all_limits = 0; ///< sum over all devices; a double, because one may be unlimited
};

Compute compute_of(const Problem& problem) {
    Compute result;
    for (std::size_t i = 0; i < problem.blocks->size(); ++i) {
        const BlockId b(i);
        if (problem.blocks->name(b).layer != 0) {
            continue;
        }
        const Flops flops = cost_of(problem, b).compute;
        result.layer += flops;
        if (flops > result.largest_flops) {
            result.largest_flops = flops;
            result.largest = b;
        }
    }
    for (std::size_t d = 0; d < problem.snapshot.size(); ++d) {
        const Flops limit = compute_limit(problem, problem.snapshot.devices[d]);
        result.all_limits += static_cast<double>(limit);
        if (limit > result.fastest_limit) {
            result.fastest_limit = limit;
            result.fastest = DeviceId(d);
        }
    }
    return result;
}

/// The part of an explanation that says what the whole fleet lacks.
struct Proof {
    Cause cause;
    std::int64_t needed;
    std::int64_t there;
    DeviceId device{0};
    BlockKind block = BlockKind::embed;
};

/// Proves that no placement satisfies Σ c_i ≤ C_j·T_budget.
std::optional<Proof> lacks_compute(const Problem& problem) {
    if (problem.cost_profile == CostProfile::physical) {
        return std::nullopt;
    }
    const Compute c = compute_of(problem);
    if (c.largest_flops > c.fastest_limit) {
        const BlockKind block = problem.blocks->name(c.largest).kind;
        return Proof{Cause::block_too_slow, c.largest_flops, c.fastest_limit, c.fastest, block};
    }
    if (static_cast<double>(c.layer) > c.all_limits) {
        return Proof{Cause::layer_too_slow, c.layer, static_cast<Flops>(c.all_limits)};
    }
    return std::nullopt;
}

/// Proves that the source has no room for embed and lm_head.
std::optional<Proof> lacks_room_on_source(const Problem& problem) {
    const Ledger ledger(problem);
    if (ledger.shortage() == 0) {
        return std::nullopt;
    }
    const DeviceId source = problem.source;
    return Proof{Cause::source_too_small, ledger.used(source), ledger.budget(source), source};
}

std::optional<Proof> lacks_total_memory(const Problem& problem) {
    const Bytes need = min_total_bytes(problem);
    const Bytes total = total_memory(problem);
    return need > total ? std::optional(Proof{Cause::too_little_memory, need, total})
                        : std::nullopt;
}

std::optional<Proof> prove_infeasible(const Problem& problem) {
    for (const auto check : {lacks_compute, lacks_room_on_source, lacks_total_memory}) {
        if (std::optional<Proof> proof = check(problem)) {
            return proof;
        }
    }
    return std::nullopt;
}

std::optional<MemoryShortage> memory_shortage(
    const Problem& problem, const Ledger& ledger, DeviceId d
) {
    const MemoryShortage s{d, ledger.used(d), actual_memory(problem, d), ledger.budget(d)};
    return s.needs > s.usable ? std::optional(s) : std::nullopt;
}

std::optional<ComputeShortage> compute_shortage(
    const Problem& problem, const Ledger& ledger, DeviceId d
) {
    std::optional<ComputeShortage> found;
    for (std::int32_t l = 0; l < problem.blocks->shape().layers; ++l) {
        const Flops load = ledger.load(l, d);
        if (load > ledger.limit(d)) {
            found = found.value_or(ComputeShortage{d, l, -1, load, ledger.limit(d)});
            ++found->more_layers;
            if (load > found->needs) {
                found->layer = l;
                found->needs = load;
            }
        }
    }
    return found;
}

} // namespace

bool is_provably_infeasible(const Problem& problem) {
    return prove_infeasible(problem).has_value();
}

std::vector<AnyShortage> shortages_of(const Problem& problem, const Placement& placement) {
    const Ledger ledger(problem, placement);
    std::vector<AnyShortage> shortages;
    for (std::size_t i = 0; i < placement.size(); ++i) {
        if (problem.is_pinned(BlockId(i)) && placement[i] != problem.source) {
            shortages.emplace_back(NotOnSource{problem.source, problem.blocks->name(BlockId(i))});
        }
    }
    for (std::size_t i = 0; i < ledger.devices(); ++i) {
        const DeviceId d(i);
        if (const auto shortage = memory_shortage(problem, ledger, d)) {
            shortages.emplace_back(*shortage);
        }
        if (ledger.has_compute_limit()) {
            if (const auto shortage = compute_shortage(problem, ledger, d)) {
                shortages.emplace_back(*shortage);
            }
        }
    }
    return shortages;
}

Explanation explain_infeasible(
    const Problem& problem, const Placement& attempt, std::string sought
) {
    const Proof none_found{
        Cause::none_found, min_total_bytes(problem), total_memory(problem), problem.source};
    const Proof proof = prove_infeasible(problem).value_or(none_found);
    Explanation why;
    why.outcome = Outcome::infeasible;
    why.cause = proof.cause;
    why.needed = proof.needed;
    why.there = proof.there;
    why.device = proof.device;
    why.block = proof.block;
    why.sought = std::move(sought);
    why.in_flight = problem.in_flight();
    why.horizon = problem.horizon();
    why.t_budget_s = problem.t_budget_s;
    why.shortages = shortages_of(problem, attempt);
    return why;
}

Decision infeasible_decision(const Problem& problem, const Placement& attempt, std::string sought) {
    Decision decision;
    decision.why = explain_infeasible(problem, attempt, std::move(sought));
    return decision;
}

Decision refused_decision(std::string note) {
    Decision decision;
    decision.why.outcome = Outcome::infeasible;
    decision.why.notes = {std::move(note)};
    return decision;
}

} // namespace headroom::scheduler
