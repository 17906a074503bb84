#include "scheduler/explain/explanations.hpp"

#include <cmath>
#include <set>

#include <fmt/format.h>

#include "scheduler/explain/infeasibility.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler {
namespace {

Nanoseconds in_nanoseconds(double seconds) {
    const double ns = seconds * static_cast<double>(kSecond);
    return ns < static_cast<double>(kNever) ? std::llround(ns) : kNever;
}

/// Returns a suffix for durations that are not those of the execution, or "".
std::string by_the_formula(const Problem& problem) {
    return problem.cost_profile == CostProfile::paper ? " by the paper's formula" : "";
}

/// Returns what a duration is for: a token of one sequence, or a round of all.
std::string per_what(const Problem& problem, DelayScope scope) {
    if (scope == DelayScope::step) {
        return "per token";
    }
    const bool prompts = problem.prompt_spread_rounds() > 0;
    return fmt::format(
        "per round of {}{}", problem.in_flight(), prompts ? " with a share of the prompts" : ""
    );
}

std::string joined_turns(const Decision& decision, DelayScope scope) {
    return scope == DelayScope::round && decision.batch > 1
               ? fmt::format(", {} turns joined", decision.batch)
               : "";
}

/// Returns the blocks that move, such as "6 groups, 1 ffn from device 1". The device is left out if
/// they come from several devices.
std::string moved_blocks(const Problem& problem, const Placement& placement) {
    constexpr BlockKind kKinds[] = {
        BlockKind::embed,
        BlockKind::group,
        BlockKind::proj,
        BlockKind::ffn,
        BlockKind::slice,
        BlockKind::hub,
        BlockKind::lm_head};
    std::set<DeviceId> sources;
    std::string text;
    for (const BlockKind kind : kKinds) {
        int count = 0;
        for (std::size_t b = 0; b < placement.size(); ++b) {
            const DeviceId before = (*problem.previous)[b];
            if (problem.blocks->name(BlockId(b)).kind == kind && before != placement[b]) {
                ++count;
                sources.insert(before);
            }
        }
        if (count > 0) {
            const bool plural = count > 1 && (kind == BlockKind::group ||
                                              kind == BlockKind::slice || kind == BlockKind::hub);
            text += fmt::format(
                "{}{} {}{}", text.empty() ? "" : ", ", count, name_of(kind), plural ? "s" : ""
            );
        }
    }
    return sources.size() == 1 ? fmt::format("{} from device {}", text, sources.begin()->value)
                               : text;
}

} // namespace

std::string duration_text(Nanoseconds time) {
    return time == kNever ? "for ever" : format_duration(time);
}

Alternative alternative_of(const Problem& problem, const Decision& decision, DelayScope scope) {
    if (scope == DelayScope::round) {
        return {
            round_with_prompt_share(problem, decision.round, decision.prompts), decision.migration};
    }
    if (problem.cost_profile == CostProfile::physical) {
        return {decision.inference, decision.migration};
    }
    return {in_nanoseconds(decision.paper_delay_s), in_nanoseconds(decision.paper_migration_s)};
}

std::string reason_first(const Problem& problem, const Decision& decision, DelayScope scope) {
    const std::set<DeviceId> used(decision.placement.begin(), decision.placement.end());
    return fmt::format(
        "first placement: {} {} on {} of {} devices{}{}",
        duration_text(alternative_of(problem, decision, scope).inference),
        per_what(problem, scope),
        used.size(),
        problem.snapshot.size(),
        by_the_formula(problem),
        joined_turns(decision, scope)
    );
}

std::string reason_kept(
    const Problem& problem,
    const Decision& kept,
    const std::optional<Alternative>& alternative,
    DelayScope scope
) {
    const Nanoseconds now = alternative_of(problem, kept, scope).inference;
    // The objective in nanoseconds can prefer a placement that the search, which rounds, does not.
    const bool rounding =
        alternative && now != kNever && alternative->migration != kNever &&
        static_cast<double>(now - alternative->inference) * static_cast<double>(problem.steps()) >
            static_cast<double>(alternative->migration);
    if (!alternative || alternative->inference >= now || rounding) {
        return fmt::format(
            "kept: found nothing faster than {} {}{}{}",
            duration_text(now),
            per_what(problem, scope),
            by_the_formula(problem),
            joined_turns(kept, scope)
        );
    }
    if (now == kNever) {
        return "kept: a device or link in use is down, and no move that can be made helps";
    }
    return fmt::format(
        "kept: the best move would save {} {} and cost {}{}",
        format_duration(now - alternative->inference),
        per_what(problem, scope),
        duration_text(alternative->migration),
        by_the_formula(problem)
    );
}

std::string reason_moved(
    const Problem& problem, const Decision& decision, const Decision& old, DelayScope scope
) {
    const std::string blocks = moved_blocks(problem, decision.placement);
    const Alternative now = alternative_of(problem, decision, scope);
    if (!old.feasible) {
        return fmt::format(
            "moved {} because {}: {} {}, {} of migration{}{}",
            blocks,
            shortages_text(problem, *problem.previous),
            duration_text(now.inference),
            per_what(problem, scope),
            duration_text(now.migration),
            by_the_formula(problem),
            joined_turns(decision, scope)
        );
    }
    return fmt::format(
        "moved {}: {} {} instead of {}, pays for {} of migration{}{}",
        blocks,
        duration_text(now.inference),
        per_what(problem, scope),
        duration_text(alternative_of(problem, old, scope).inference),
        duration_text(now.migration),
        by_the_formula(problem),
        joined_turns(decision, scope)
    );
}

} // namespace headroom::scheduler
