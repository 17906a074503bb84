#include "cli/trace/inspect_trace_tables.hpp"

#include <fmt/format.h>

#include "base/units.hpp"
#include "cli/terminal/text_table.hpp"
#include "trace/analysis/parts.hpp"
#include "trace/records/labels.hpp"

namespace headroom::cli {

std::string decision_table(const trace::Trace& trace) {
    const bool several = trace::could_overlap(trace.header);
    const auto line = [](auto... cells) {
        return fmt::format(
            "  {:>6}  {:>10}  {:<10}  {:>5}  {:>10}  {:>10}  {:>10}  {:>10}{}\n", cells...
        );
    };
    const auto flight = [&](auto... cells) { // columns of runs with several sequences in flight
        return several ? fmt::format("  {:>9}  {:>7}  {:>5}  {:>10}", cells...) : "";
    };
    std::string text = line(
        "token",
        "at",
        "decision",
        "moves",
        "migration",
        "kept",
        "predicted",
        "measured",
        flight("in flight", "waiting", "batch", "round")
    );
    for (const trace::Interval& interval : trace.intervals) {
        const trace::IntervalRow& row = interval.row;
        const std::string round = format_duration(row.predicted_round_ns);
        text += line(
            row.first_token,
            format_duration(row.t_dec),
            trace::code_label(trace.header, "intervals.reason", row.reason),
            row.moves,
            row.moves > 0 ? format_duration(row.measured_migration_ns) : "-",
            duration_or_dash(row.kept_inference_ns),
            format_duration(row.predicted_inference_ns),
            row.measured_inference_ns > 0 ? format_duration(row.measured_inference_ns) : "-",
            flight(row.in_flight, row.waiting, row.batch, round)
        );
    }
    return text;
}

std::string part_table(const trace::Trace& trace) {
    const std::vector<trace::RunPart> parts = trace::run_parts(trace);
    if (parts.size() == 1) {
        return "";
    }
    TextTable table(
        {"part",
         "intervals",
         "version",
         "commit",
         "clock",
         "kernels",
         "transport",
         "policy version"}
    );
    const auto text_or_unknown = [](const std::string& text) { return text.empty() ? "?" : text; };
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const trace::RunPart& part = parts[i];
        table.add(
            {std::to_string(i + 1),
             fmt::format("{}-{}", part.intervals.first, part.intervals.last - 1),
             text_or_unknown(part.version),
             text_or_unknown(part.commit),
             text_or_unknown(part.clock),
             text_or_unknown(part.kernels),
             text_or_unknown(part.transport),
             part.policy_version}
        );
    }
    return table.text();
}

std::vector<std::array<std::int64_t, kCountedKinds>> last_placement(const trace::Trace& trace) {
    std::vector<std::array<std::int64_t, kCountedKinds>> counts(trace.header.devices.size());
    if (trace.intervals.empty()) {
        return counts;
    }
    const std::vector<std::int32_t>& placement = trace.intervals.back().placement;
    for (std::size_t b = 0; b < placement.size(); ++b) {
        const auto device = static_cast<std::size_t>(placement[b]);
        const auto kind = static_cast<std::size_t>(trace.header.blocks[b].kind);
        if (device < counts.size() && kind < kCountedKinds) {
            ++counts[device][kind];
        }
    }
    return counts;
}

std::string placement_table(const trace::Trace& trace) {
    std::string text = fmt::format("  {:<16}", "placed at the end");
    for (std::size_t kind = 0; kind < kCountedKinds; ++kind) {
        text += fmt::format("  {:>7}", name_of(static_cast<BlockKind>(kind)));
    }
    const auto counts = last_placement(trace);
    for (std::size_t d = 0; d < counts.size(); ++d) {
        text += fmt::format("\n  {:<17}", trace.header.devices[d].name);
        for (const std::int64_t count : counts[d]) {
            text += fmt::format("  {:>7}", count);
        }
    }
    return text + "\n";
}

} // namespace headroom::cli
