#include "runtime/control/infeasible_report.hpp"

#include <algorithm>
#include <variant>

#include <fmt/format.h>

#include "runtime/memory/memory_demand.hpp"
#include "scheduler/explain/explanation_text.hpp"

namespace headroom::runtime {

namespace {

/// Returns a line for each of the first devices, and a line with the number of the others.
std::string memory_of_devices(const scheduler::Problem& problem, const scheduler::Fleet& fleet) {
    constexpr std::size_t kMaxListed = 16;
    const std::size_t all = problem.snapshot.size();
    std::string text;
    for (std::size_t d = 0; d < std::min(all, kMaxListed); ++d) {
        const Bytes memory = problem.snapshot.devices[d].memory;
        text += fmt::format(
            "\n    {} has {}{}",
            fleet.devices[d].name,
            format_bytes(memory),
            memory < problem.buffers
                ? fmt::format(", {} less than the buffers", format_bytes(problem.buffers - memory))
                : std::string()
        );
    }
    return all > kMaxListed ? text + fmt::format("\n    and {} more", all - kMaxListed) : text;
}

} // namespace

std::string infeasible_report(
    const scheduler::Problem& problem,
    const scheduler::Decision& decision,
    const scheduler::Fleet& fleet,
    std::string_view policy,
    std::int64_t slots
) {
    const std::string why =
        scheduler::explanation_text(decision.why, scheduler::device_names(fleet));
    if (problem.cost_profile == scheduler::CostProfile::paper) {
        return fmt::format(
            "no placement fits cost profile paper on {} devices at a context of {} tokens: {}\n"
            "  give more devices or larger ones, a longer controller.t_budget, a "
            "shorter prompt or --interval, or controller.cost_profile = \"physical\"",
            problem.snapshot.size(),
            problem.horizon(),
            why
        );
    }
    const scheduler::Blocks& blocks = *problem.blocks;
    const MemoryDemand demand = memory_demand(problem);
    const Bytes need = demand.weights + demand.caches;
    const Bytes have = demand.budget;
    BlockId largest{0};
    const scheduler::Placement together(blocks.size(), problem.source);
    const auto resident = [&](BlockId block) {
        return blocks.resident_bytes(block, problem.memory_rows(), together);
    };
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        largest = resident(BlockId(i)) > resident(largest) ? BlockId(i) : largest;
    }
    return fmt::format(
        "no placement fits: {} at a context of {} tokens\n"
        "  needed: {} for all blocks, the largest of them {} ({}), and {} of buffers on each "
        "device that holds any\n"
        "  there is: {} beside the buffers, {}{}\n"
        "  give the devices more memory ([[device]] memory, fleet.memory_scale), or give more "
        "devices, a smaller model, a shorter prompt, {}or a shorter --interval",
        have < need
            ? fmt::format("{} devices cannot hold the model", problem.snapshot.size())
            : fmt::format("policy {} found none on {} devices", policy, problem.snapshot.size()),
        problem.horizon(),
        format_bytes(need),
        format_bytes(resident(largest)),
        to_string(blocks.name(largest)),
        format_bytes(problem.buffers),
        format_bytes(have),
        have < need ? fmt::format("{} too little", format_bytes(need - have))
                    : fmt::format("enough in all, but {}", why),
        memory_of_devices(problem, fleet),
        slots > 1 ? "fewer workload.sequences (each has buffers of its own), " : ""
    );
}

ErrorFields shortage_fields(const scheduler::Explanation& why, const scheduler::Fleet& fleet) {
    const auto name = [&](DeviceId d) { return fleet.devices[d.index()].name; };
    for (const scheduler::AnyShortage& shortage : why.shortages) {
        if (const auto* const memory = std::get_if<scheduler::MemoryShortage>(&shortage)) {
            return {
                {"device", name(memory->device)},
                {"needs_bytes", memory->needs},
                {"has_bytes", memory->has}};
        }
        if (const auto* const flop = std::get_if<scheduler::ComputeShortage>(&shortage)) {
            return {
                {"device", name(flop->device)},
                {"layer", std::int64_t{flop->layer}},
                {"needs_flop", flop->needs},
                {"does_flop", flop->does}};
        }
    }
    return {};
}

} // namespace headroom::runtime
