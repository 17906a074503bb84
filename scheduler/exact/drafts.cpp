#include "scheduler/exact/drafts.hpp"

#include <algorithm>

#include "base/int128.hpp"
#include "scheduler/core/paper_costs.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler::exact {
namespace {

/// Returns the number of units of the pool on each device.
std::vector<std::int32_t> counts_of(const Tables& tables, const Draft& draft, std::size_t pool) {
    const std::size_t n = tables.devices();
    const Pool& p = tables.pools()[pool];
    std::vector<std::int32_t> counts(n, 0);
    for (std::size_t i = p.first_item; i < p.first_item + p.items; ++i) {
        for (std::size_t d = 0; d < n; ++d) {
            counts[d] += draft.units[i * n + d];
        }
    }
    return counts;
}

double step_ns(const Tables& tables, const Draft& draft) {
    const StepDelay& step = tables.step();
    Nanoseconds total = step.start(draft.chain.front()) +
                        step.finish(draft.chain[tables.layers()], draft.chain.back());
    for (std::size_t l = 0; l < tables.layers(); ++l) {
        const bool sliced = tables.sliced();
        const std::vector<std::int32_t> groups = counts_of(tables, draft, sliced ? 2 * l : l);
        const std::vector<std::int32_t> slices =
            sliced ? counts_of(tables, draft, 2 * l + 1) : std::vector<std::int32_t>();
        const std::size_t ffn = draft.chain[l + 1];
        const std::size_t proj = sliced ? ffn : draft.proj[l];
        total += step.layer(l, draft.chain[l], {groups.data(), proj, ffn, slices.data()});
    }
    return static_cast<double>(tables.problem().steps()) * static_cast<double>(total);
}

/// Returns when migration ends on each lane, caps and other lanes ignored; 0 for unused lanes.
std::vector<double> lane_ends(const Tables& tables, const Draft& draft) {
    std::vector<double> ends(tables.lanes(), 0);
    std::vector<bool> used(tables.lanes(), false);
    visit_draft(tables, draft, [&](const Item& item, std::size_t d, std::int32_t count) {
        tables.visit_lanes(item, d, [&](std::size_t lane, double time) {
            ends[lane] += count * time;
            used[lane] = true;
        });
    });
    for (std::size_t lane = 0; lane < ends.size(); ++lane) {
        ends[lane] += used[lane] ? tables.lane_latency(lane) : 0;
    }
    return ends;
}

} // namespace

Draft draft_of(const Domain& domain) {
    Draft draft;
    for (const std::uint64_t mask : domain.chain) {
        draft.chain.push_back(lowest(mask));
    }
    for (const std::uint64_t mask : domain.proj) {
        draft.proj.push_back(lowest(mask));
    }
    draft.units = domain.least;
    return draft;
}

Placement placement_of(const Tables& tables, const Draft& draft) {
    const std::size_t n = tables.devices();
    Placement placement(tables.problem().blocks->size());
    for (std::size_t i = 0; i < draft.chain.size(); ++i) {
        if (tables.chain_item(i) != nullptr) {
            const BlockId b = tables.chain_item(i)->blocks.front();
            placement[b.index()] = DeviceId(draft.chain[i]);
        }
    }
    for (std::size_t l = 0; l < draft.proj.size(); ++l) {
        placement[tables.proj(l).blocks.front().index()] = DeviceId(draft.proj[l]);
    }
    for (std::size_t i = 0; i < tables.items().size(); ++i) {
        auto block = tables.items()[i].blocks.begin();
        for (std::size_t d = 0; d < n; ++d) {
            for (std::int32_t k = 0; k < draft.units[i * n + d]; ++k) {
                placement[(block++)->index()] = DeviceId(d);
            }
        }
    }
    return placement;
}

double objective_ns(const Problem& problem, const Decision& decision) {
    if (problem.cost_profile == CostProfile::paper) {
        return objective(problem, decision) * kNsPerSecond;
    }
    if (decision.inference == kNever || decision.migration == kNever) {
        return kInfinite;
    }
    return static_cast<double>(
        Int128{decision.migration} + Int128{problem.steps()} * Int128{decision.inference}
    );
}

double quick_objective_ns(const Tables& tables, const Draft& draft, const Placement& placement) {
    const Problem& p = tables.problem();
    if (!tables.by_formula()) {
        return step_ns(tables, draft) +
               (tables.moves() ? std::ranges::max(lane_ends(tables, draft)) : 0);
    }
    const double seconds = static_cast<double>(p.steps()) * paper_delay_s(p, placement);
    return (seconds + paper_migration_s(p, placement)) * kNsPerSecond;
}

std::size_t overdue(const Tables& tables, const Draft& draft, double limit) {
    const std::size_t n = tables.devices();
    const std::vector<double> ends = lane_ends(tables, draft);
    const auto last = std::ranges::max_element(ends);
    const auto late = static_cast<std::size_t>(last - ends.begin());
    if (*last <= limit) {
        return draft.units.size();
    }
    std::size_t largest = draft.units.size();
    for (std::size_t k = 0; k < draft.units.size(); ++k) {
        const Item& item = tables.items()[k / n];
        const std::size_t d = k % n;
        bool there = false;
        tables.visit_lanes(item, d, [&](std::size_t lane, double) {
            there = there || (lane == late && draft.units[k] > 0);
        });
        if (there && (largest == draft.units.size() || draft.units[k] > draft.units[largest])) {
            largest = k;
        }
    }
    return largest;
}

} // namespace headroom::scheduler::exact
