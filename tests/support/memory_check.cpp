// What the closed forms say a device holds, compared with what its budget said.
#include <algorithm>

#include <fmt/format.h>

#include "model/weights.hpp"
#include "runtime/shape.hpp"
#include "support/fleet_run.hpp"

namespace headroom::support {

namespace {

scheduler::Placement placement_of(const trace::Interval& interval) {
    scheduler::Placement placement;
    for (const std::int32_t device : interval.placement) {
        placement.emplace_back(device);
    }
    return placement;
}

/// Weights, caches for `context` rows, and buffers if there is any block.
Bytes held(
    const scheduler::Blocks& blocks,
    Bytes buffers,
    const trace::Interval& interval,
    std::int32_t device,
    std::int64_t context
) {
    const scheduler::Placement placement = placement_of(interval);
    Bytes sum = 0;
    for (std::size_t i = 0; i < placement.size(); ++i) {
        if (placement[i].value == device) {
            sum += blocks.resident_bytes(BlockId(i), context, placement);
        }
    }
    return sum > 0 ? sum + buffers : 0;
}

} // namespace

std::string memory_difference(const config::Scenario& scenario, const trace::Trace& trace) {
    if (trace.intervals.empty()) {
        return "the run has no interval";
    }
    const model::GgufFile file(scenario.model_file);
    const scheduler::Cut cut = scenario.controller.cut();
    const scheduler::Blocks blocks(runtime::shape_of(model::read_hyperparameters(file)), cut);
    const std::vector<std::int64_t> prompts = prompt_lengths(trace);
    const Bytes buffers = scheduler::buffer_bytes(
        blocks.shape(), *std::max_element(prompts.begin(), prompts.end()), cut
    );
    const trace::Interval* previous = nullptr;
    for (const trace::Interval& interval : trace.intervals) {
        const trace::TokenRow& first = interval.tokens.front();
        const std::int64_t rows_before = first.is_prompt != 0 ? 0 : first.position - 1;
        const std::int64_t rows_after = interval.tokens.back().position;
        for (const trace::ResourceRow& row : interval.resources) {
            const Bytes after = held(blocks, buffers, interval, row.device, rows_after);
            const Bytes before =
                previous == nullptr ? 0 : held(blocks, buffers, *previous, row.device, rows_before);
            if (row.memory_used_bytes != after || row.memory_peak_bytes > std::max(before, after)) {
                return fmt::format(
                    "interval {}, device {}: holds {} B, at most {} B; expected {} B after {} B",
                    row.interval,
                    row.device,
                    row.memory_used_bytes,
                    row.memory_peak_bytes,
                    after,
                    before
                );
            }
        }
        previous = &interval;
    }
    return "";
}

} // namespace headroom::support
