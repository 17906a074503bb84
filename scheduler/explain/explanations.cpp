// See explanations.hpp.
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

/// "by the paper's formula" where durations are not those of the execution.
std::string by_the_formula(const Problem& problem) {
    return problem.cost_profile == CostProfile::paper ? " by the paper's formula" : "";
}

/// What durations are of: a token of one sequence, or a round of all.
std::string each(const Problem& problem, Of of) {
    if (of == Of::step) {
        return "per token";
    }
    const bool prompts = problem.prompts_spread() > 0;
    return fmt::format(
        "per round of {}{}", problem.in_flight(), prompts ? " with a share of the prompts" : ""
    );
}

std::string joined(const Decision& decision, Of of) {
    return of == Of::round && decision.batch > 1 ? fmt::format(", {} turns joined", decision.batch)
                                                 : "";
}

/// "6 groups, 1 ffn from device 1": what changed its device, and from where if that is one device.
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

Alternative alternative_of(const Problem& problem, const Decision& decision, Of of) {
    if (of == Of::round) {
        return {charged_round(problem, decision.round, decision.prompts), decision.migration};
    }
    if (problem.cost_profile == CostProfile::physical) {
        return {decision.inference, decision.migration};
    }
    return {in_nanoseconds(decision.paper_delay_s), in_nanoseconds(decision.paper_migration_s)};
}

std::string reason_first(const Problem& problem, const Decision& decision, Of of) {
    const std::set<DeviceId> used(decision.placement.begin(), decision.placement.end());
    return fmt::format(
        "first placement: {} {} on {} of {} devices{}{}",
        duration_text(alternative_of(problem, decision, of).inference),
        each(problem, of),
        used.size(),
        problem.snapshot.size(),
        by_the_formula(problem),
        joined(decision, of)
    );
}

std::string reason_kept(
    const Problem& problem,
    const Decision& kept,
    const std::optional<Alternative>& alternative,
    Of of
) {
    const Nanoseconds now = alternative_of(problem, kept, of).inference;
    // The search compares times rounded to nanoseconds; what wins by less is no better.
    const bool rounding =
        alternative && now != kNever && alternative->migration != kNever &&
        static_cast<double>(now - alternative->inference) * static_cast<double>(problem.steps()) >
            static_cast<double>(alternative->migration);
    if (!alternative || alternative->inference >= now || rounding) {
        return fmt::format(
            "kept: found nothing faster than {} {}{}{}",
            duration_text(now),
            each(problem, of),
            by_the_formula(problem),
            joined(kept, of)
        );
    }
    if (now == kNever) {
        return "kept: a device or link in use is down, and no move that can be made helps";
    }
    return fmt::format(
        "kept: the best move would save {} {} and cost {}{}",
        format_duration(now - alternative->inference),
        each(problem, of),
        duration_text(alternative->migration),
        by_the_formula(problem)
    );
}

std::string reason_moved(
    const Problem& problem, const Decision& decision, const Decision& old, Of of
) {
    const std::string blocks = moved_blocks(problem, decision.placement);
    const Alternative now = alternative_of(problem, decision, of);
    if (!old.feasible) {
        return fmt::format(
            "moved {} because {}: {} {}, {} of migration{}{}",
            blocks,
            lacking_devices(problem, *problem.previous),
            duration_text(now.inference),
            each(problem, of),
            duration_text(now.migration),
            by_the_formula(problem),
            joined(decision, of)
        );
    }
    return fmt::format(
        "moved {}: {} {} instead of {}, pays for {} of migration{}{}",
        blocks,
        duration_text(now.inference),
        each(problem, of),
        duration_text(alternative_of(problem, old, of).inference),
        duration_text(now.migration),
        by_the_formula(problem),
        joined(decision, of)
    );
}

} // namespace headroom::scheduler
