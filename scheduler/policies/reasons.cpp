// See reasons.hpp.
#include "scheduler/policies/reasons.hpp"

#include <set>

#include <fmt/format.h>

#include "scheduler/policies/packing.hpp"

namespace headroom::scheduler {
namespace {

std::string duration(Nanoseconds t) {
    return t == kNever ? "for ever" : format_duration(t);
}

/// "6 groups, 1 ffn from device 1": what changed its device, and from where if that is one device.
std::string moved_blocks(const Problem& problem, const Placement& placement) {
    constexpr BlockKind kKinds[] = {
        BlockKind::embed, BlockKind::group, BlockKind::proj, BlockKind::ffn, BlockKind::lm_head};
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
            const bool plural = kind == BlockKind::group && count > 1;
            text += fmt::format(
                "{}{} {}{}", text.empty() ? "" : ", ", count, name_of(kind), plural ? "s" : ""
            );
        }
    }
    return sources.size() == 1 ? fmt::format("{} from device {}", text, sources.begin()->value)
                               : text;
}

} // namespace

std::string reason_first(const Decision& decision, std::size_t devices) {
    const std::set<DeviceId> used(decision.placement.begin(), decision.placement.end());
    return fmt::format(
        "first placement: {} per token on {} of {} devices",
        duration(decision.inference),
        used.size(),
        devices
    );
}

std::string reason_kept(const Decision& kept, const std::optional<Alternative>& alternative) {
    if (!alternative || alternative->inference >= kept.inference) {
        return fmt::format(
            "kept: found nothing faster than {} per token", duration(kept.inference)
        );
    }
    if (kept.inference == kNever) {
        return "kept: a device or link in use is down, and no move that can be made helps";
    }
    return fmt::format(
        "kept: the best move would save {} per token and cost {}",
        format_duration(kept.inference - alternative->inference),
        duration(alternative->migration)
    );
}

std::string reason_moved(const Problem& problem, const Decision& decision, const Decision& old) {
    const std::string blocks = moved_blocks(problem, decision.placement);
    if (!old.feasible) {
        return fmt::format(
            "moved {} because {}: {} per token, {} of migration",
            blocks,
            lacking_devices(problem, *problem.previous),
            duration(decision.inference),
            duration(decision.migration)
        );
    }
    return fmt::format(
        "moved {}: {} per token instead of {}, pays for {} of migration",
        blocks,
        duration(decision.inference),
        duration(old.inference),
        duration(decision.migration)
    );
}

} // namespace headroom::scheduler
