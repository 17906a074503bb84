#include "runtime/control/infeasible_report.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "runtime/setup/device_names.hpp"

namespace headroom::runtime {

namespace {

/// A line for each of the first devices, and how many more there are.
std::string memory_of_devices(const scheduler::Problem& question, const scheduler::Fleet& fleet) {
    constexpr std::size_t kMostListed = 16;
    const std::size_t all = question.snapshot.size();
    std::string text;
    for (std::size_t d = 0; d < std::min(all, kMostListed); ++d) {
        const Bytes memory = question.snapshot.devices[d].memory;
        text += fmt::format(
            "\n    {} has {}{}",
            fleet.devices[d].name,
            format_bytes(memory),
            memory < question.buffers
                ? fmt::format(", {} less than the buffers", format_bytes(question.buffers - memory))
                : std::string()
        );
    }
    return all > kMostListed ? text + fmt::format("\n    and {} more", all - kMostListed) : text;
}

} // namespace

std::string infeasible_report(
    const scheduler::Problem& question,
    const scheduler::Decision& decision,
    const scheduler::Fleet& fleet,
    std::string_view policy,
    std::int64_t slots
) {
    if (question.cost_profile == scheduler::CostProfile::paper) {
        return fmt::format(
            "no placement fits cost profile paper on {} devices at a context of {} tokens: {}\n"
            "  give more devices or larger ones, a longer controller.t_budget, a "
            "shorter prompt or --interval, or controller.cost_profile = \"physical\"",
            question.snapshot.size(),
            question.horizon(),
            with_names(decision.reason, fleet)
        );
    }
    const scheduler::Blocks& blocks = *question.blocks;
    Bytes need = 0;
    Bytes have = 0;
    BlockId largest{0};
    const scheduler::Placement together(blocks.size(), question.source);
    const auto resident = [&](BlockId block) {
        return blocks.resident_bytes(block, question.memory_context(), together);
    };
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        need += resident(BlockId(i));
        largest = resident(BlockId(i)) > resident(largest) ? BlockId(i) : largest;
    }
    for (std::size_t d = 0; d < question.snapshot.size(); ++d) {
        have += std::max<Bytes>(0, question.snapshot.devices[d].memory - question.buffers);
    }
    const std::string devices = memory_of_devices(question, fleet);
    return fmt::format(
        "no placement fits: {} at a context of {} tokens\n"
        "  needed: {} for all blocks, the largest of them {} ({}), and {} of buffers on each "
        "device "
        "that holds any\n"
        "  there is: {} beside the buffers, {}{}\n"
        "  give the devices more memory ([[device]] memory, fleet.memory_scale), or give more "
        "devices, a smaller model, a shorter prompt, {}or a shorter --interval",
        have < need
            ? fmt::format("{} devices cannot hold the model", question.snapshot.size())
            : fmt::format("policy {} found none on {} devices", policy, question.snapshot.size()),
        question.horizon(),
        format_bytes(need),
        format_bytes(resident(largest)),
        to_string(blocks.name(largest)),
        format_bytes(question.buffers),
        format_bytes(have),
        have < need ? fmt::format("{} too little", format_bytes(need - have))
                    : fmt::format("enough in all, but {}", with_names(decision.reason, fleet)),
        devices,
        slots > 1 ? "fewer workload.sequences (each has buffers of its own), " : ""
    );
}

} // namespace headroom::runtime
