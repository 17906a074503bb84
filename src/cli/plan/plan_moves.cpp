#include "cli/plan/plan_moves.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "base/block.hpp"
#include "cli/terminal/text_table.hpp"
#include "scheduler/explain/explanation_text.hpp"
#include "scheduler/policies/registry.hpp"

namespace headroom::cli {

namespace {

using runtime::Plan;
using runtime::PolicyPlan;
using runtime::StayPlan;
using scheduler::MoveRecord;

/// The number of rows that are shown without --full.
constexpr std::size_t kGroupsShown = 16;

Bytes sum_of(const std::vector<MoveRecord>& moves, Bytes scheduler::Move::*part) {
    Bytes sum = 0;
    for (const MoveRecord& record : moves) {
        sum += record.move.*part;
    }
    return sum;
}

bool loads_weights(const Plan& plan) {
    return std::ranges::any_of(plan.policies, [](const PolicyPlan& policy) {
        return sum_of(policy.moves, &scheduler::Move::loaded) > 0;
    });
}

/// Returns the number of blocks of each kind: "4 groups, 1 ffn".
std::string kind_counts_text(const std::map<BlockKind, std::int64_t>& kinds) {
    std::string text;
    for (const auto& [kind, count] : kinds) {
        text += (text.empty() ? "" : ", ") + count_text(count, name_of(kind));
    }
    return text;
}

/// Returns by how much the objective is less than that of keeping the previous placement: "12.3 %",
/// or "25× as long" if it is more by a factor of at least 10.
std::string saved(const PolicyPlan& policy) {
    const double stay = policy.stay->objective_s;
    const double ratio = policy.objective_s / stay;
    return stay <= 0 || !std::isfinite(stay) ? "-"
           : ratio < 10                      ? fmt::format("{:.1f} %", 100.0 * (1 - ratio))
                                             : fmt::format("{:.3g}× as long", ratio);
}

std::vector<std::string> comparison_row(
    const PolicyPlan& policy, std::size_t blocks, bool show_loaded, bool show_paper
) {
    std::vector<std::string> row{
        policy.name,
        fmt::format("{} of {}", policy.moves.size(), blocks),
        format_bytes(sum_of(policy.moves, &scheduler::Move::bytes)),
    };
    if (show_loaded) {
        row.push_back(format_bytes(sum_of(policy.moves, &scheduler::Move::loaded)));
    }
    row.push_back(format_duration(policy.decision.migration));
    if (show_paper) {
        row.push_back(format_seconds(policy.decision.paper_migration_s));
    }
    row.push_back(format_seconds(policy.objective_s));
    row.push_back(
        policy.stay->fits ? format_seconds(policy.stay->objective_s) : std::string("no room")
    );
    row.push_back(policy.stay->fits ? saved(policy) : "-");
    return row;
}

std::string route_of(const MoveGroup& group, const scheduler::Fleet& fleet) {
    return fmt::format(
        "{}{} {} -> {}",
        group.layer >= 0 ? fmt::format("layer {}: ", group.layer) : std::string(),
        group.blocks,
        fleet.devices[group.from.index()].name,
        fleet.devices[group.to.index()].name
    );
}

std::string rest_line(const std::vector<MoveGroup>& groups, std::size_t shown) {
    std::int64_t blocks = 0;
    Bytes bytes = 0;
    for (std::size_t i = shown; i < groups.size(); ++i) {
        blocks += groups[i].count;
        bytes += groups[i].bytes + groups[i].loaded;
    }
    return fmt::format(
        "  and {} more routes with {} blocks, {}\n",
        groups.size() - shown,
        blocks,
        format_bytes(bytes)
    );
}

} // namespace

std::vector<MoveGroup> group_moves(
    const std::vector<MoveRecord>& moves, const std::vector<BlockName>& blocks, bool by_layer
) {
    struct Sum {
        MoveGroup group;
        std::map<BlockKind, std::int64_t> kinds;
    };
    // In block order embed comes before the first layer and lm_head after the last.
    std::map<std::tuple<std::size_t, std::int32_t, std::int32_t>, Sum> sums;
    for (const MoveRecord& record : moves) {
        const scheduler::Move& move = record.move;
        const BlockName& name = blocks[move.block.index()];
        const std::int32_t layer = by_layer ? name.layer : -1;
        std::size_t place = 0;
        if (by_layer) {
            place = name.kind == BlockKind::lm_head ? blocks.size()
                                                    : static_cast<std::size_t>(layer + 1);
        }
        Sum& sum = sums[{place, move.from.value, move.to.value}];
        sum.group.layer = layer;
        sum.group.from = move.from;
        sum.group.to = move.to;
        ++sum.group.count;
        ++sum.kinds[name.kind];
        sum.group.bytes += move.bytes;
        sum.group.loaded += move.loaded;
        sum.group.arrives_after = std::max(sum.group.arrives_after, record.end);
    }
    std::vector<MoveGroup> groups;
    for (auto& [key, sum] : sums) {
        sum.group.blocks = kind_counts_text(sum.kinds);
        groups.push_back(sum.group);
    }
    if (!by_layer) {
        std::stable_sort(groups.begin(), groups.end(), [](const MoveGroup& a, const MoveGroup& b) {
            return a.bytes + a.loaded > b.bytes + b.loaded;
        });
    }
    return groups;
}

std::string move_comparison(
    const Plan& plan, const config::Scenario& scenario, const PlanView& view
) {
    const bool show_loaded = loads_weights(plan);
    const bool show_paper = scenario.controller.cost_profile == scheduler::CostProfile::paper;
    std::vector<TextColumn> columns{"policy", {"moved", 2}, {"sent", 1}};
    if (show_loaded) {
        columns.emplace_back("loaded", 1);
    }
    columns.emplace_back("migration");
    if (show_paper) {
        columns.emplace_back("paper's D_mig");
    }
    columns.emplace_back("with " + count_text(plan.steps, plan.in_rounds() ? "round" : "token"));
    columns.emplace_back("staying put");
    columns.emplace_back("saves", 3);
    TextTable table(std::move(columns));
    const StayPlan* kept = nullptr;
    bool any = false;
    for (const PolicyPlan& policy : plan.policies) {
        kept = &*policy.stay;
        if (policy.decision.feasible) {
            any = true;
            table.add(comparison_row(policy, plan.blocks.size(), show_loaded, show_paper));
        }
    }
    std::string text = fmt::format(
        "\n  from {}\n{}", plan.previous->origin, any ? table.text(view.width) : std::string()
    );
    if (kept != nullptr && !kept->fits) {
        text += fmt::format(
            "  what is in force fits no longer: {}\n",
            scheduler::shortages_text(
                kept->why, scheduler::device_names(scenario.fleet), scheduler::kShortagesShown
            )
        );
    }
    return text;
}

std::string move_details(
    const Plan& plan, const PolicyPlan& policy, const scheduler::Fleet& fleet, const PlanView& view
) {
    if (policy.moves.empty()) {
        return "  nothing moves\n";
    }
    std::vector<MoveGroup> groups = group_moves(policy.moves, plan.blocks, true);
    const bool folded = !view.full && groups.size() > kGroupsShown;
    if (folded) {
        groups = group_moves(policy.moves, plan.blocks, false);
    }
    const std::size_t shown = view.full ? groups.size() : std::min(kGroupsShown, groups.size());
    const bool loads = sum_of(policy.moves, &scheduler::Move::loaded) > 0;
    std::vector<TextColumn> columns{"moves", "sent"};
    if (loads) {
        columns.emplace_back("loaded");
    }
    columns.emplace_back("there after");
    TextTable table(columns);
    for (std::size_t i = 0; i < shown; ++i) {
        std::vector<std::string> row{route_of(groups[i], fleet), format_bytes(groups[i].bytes)};
        if (loads) {
            row.push_back(format_bytes(groups[i].loaded));
        }
        row.push_back(format_duration(groups[i].arrives_after));
        table.add(row);
    }
    std::string text = fmt::format("\n{}", table.text(view.width));
    if (shown < groups.size()) {
        text += rest_line(groups, shown);
    }
    if (folded) {
        text += "  --full lists them layer by layer, and --json block by block\n";
    }
    return text;
}

} // namespace headroom::cli
