#include "cli/trace/inspect_trace_json.hpp"

#include <nlohmann/json.hpp>

#include "base/block.hpp"
#include "cli/run/summary_text.hpp"
#include "cli/trace/inspect_trace_events.hpp"
#include "cli/trace/inspect_trace_tables.hpp"
#include "trace/analysis/figures.hpp"
#include "trace/analysis/parts.hpp"
#include "trace/records/labels.hpp"

namespace headroom::cli {

namespace {

nlohmann::json decisions_json(const trace::Trace& trace) {
    nlohmann::json decisions = nlohmann::json::array();
    for (const trace::Interval& interval : trace.intervals) {
        const trace::IntervalRow& row = interval.row;
        decisions.push_back(
            {{"first_token", row.first_token},
             {"epoch", row.epoch},
             {"t_dec_ns", row.t_dec},
             {"t_switch_ns", row.t_switch},
             {"t_resume_ns", row.t_resume},
             {"in_flight", row.in_flight},
             {"waiting", row.waiting},
             {"batch", row.batch},
             {"predicted_round_ns", row.predicted_round_ns},
             {"decision", trace::code_label(trace.header, "intervals.reason", row.reason)},
             {"feasible", row.feasible == 1},
             {"moves", row.moves},
             {"predicted_migration_ns", row.predicted_migration_ns},
             {"measured_migration_ns", row.measured_migration_ns},
             {"kept_inference_ns", row.kept_inference_ns},
             {"predicted_inference_ns", row.predicted_inference_ns},
             {"measured_inference_ns", row.measured_inference_ns}}
        );
    }
    return decisions;
}

nlohmann::json placement_json(const trace::Trace& trace) {
    nlohmann::json placement = nlohmann::json::array();
    const auto counts = last_placement(trace);
    for (std::size_t d = 0; d < counts.size(); ++d) {
        nlohmann::json device{{"name", trace.header.devices[d].name}};
        for (std::size_t kind = 0; kind < kCountedKinds; ++kind) {
            device[std::string(name_of(static_cast<BlockKind>(kind)))] = counts[d][kind];
        }
        placement.push_back(device);
    }
    return placement;
}

nlohmann::json events_json(const trace::Trace& trace) {
    nlohmann::json events = nlohmann::json::array();
    for (const config::Event& event : scenario_events(trace)) {
        events.push_back(event_json(event));
        events.back()["kind"] = "scenario";
    }
    for (const trace::Interval& interval : trace.intervals) {
        for (const trace::EventRow& event : interval.events) {
            events.push_back(
                {{"at_ns", event.at},
                 {"kind", trace::code_label(trace.header, "events.kind", event.kind)},
                 {"device", event.device},
                 {"value", event.value},
                 {"text", event.text}}
            );
        }
    }
    return events;
}

/// Returns one array per column. Each has an entry for every token except the first of its
/// sequence.
nlohmann::json latencies_json(const trace::Trace& trace) {
    nlohmann::json json;
    for (const char* const column : {"sequence", "position", "end_ns", "latency_ns"}) {
        json[column] = nlohmann::json::array();
    }
    for (const trace::TokenStep& step : trace::token_steps(trace)) {
        json["sequence"].push_back(step.sequence);
        json["position"].push_back(step.position);
        json["end_ns"].push_back(step.end);
        json["latency_ns"].push_back(step.latency);
    }
    return json;
}

nlohmann::json time_json(const trace::Trace& trace) {
    const trace::TimeBreakdown parts = trace::time_breakdown(trace);
    nlohmann::json json{
        {"whole_ns", parts.total},
        {"migrating_ns", parts.migrating},
        {"busiest_device_ns", parts.min_computing},
        {"any_device_at_most_ns", parts.max_computing},
    };
    if (trace.header.with_ops) {
        const std::vector<trace::DeviceTime> times = trace::device_times(trace);
        for (std::size_t d = 0; d < times.size(); ++d) {
            json["devices"].push_back(
                {{"name", trace::device_label(trace.header, static_cast<std::int32_t>(d))},
                 {"computing_ns", times[d].computing},
                 {"waiting_ns", times[d].waiting},
                 {"paging_ns", times[d].paging},
                 {"migrating_ns", times[d].migrating},
                 {"idle_ns", times[d].idle}}
            );
        }
    }
    return json;
}

nlohmann::json links_json(const trace::Trace& trace) {
    nlohmann::json links = nlohmann::json::array();
    for (const trace::LinkUse& use : trace::link_use(trace)) {
        links.push_back(
            {{"from", trace::device_label(trace.header, use.from)},
             {"to", trace::device_label(trace.header, use.to)},
             {"bytes", use.bytes}}
        );
    }
    return links;
}

nlohmann::json parts_json(const trace::Trace& trace) {
    nlohmann::json parts = nlohmann::json::array();
    for (const trace::RunPart& part : trace::run_parts(trace)) {
        nlohmann::json& json = parts.emplace_back();
        json["first_interval"] = part.intervals.first;
        json["intervals"] = part.intervals.last - part.intervals.first;
        for (const trace::RunPartField& field : trace::kRunPartFields) {
            json[field.attribute] = part.*field.member;
        }
    }
    return parts;
}

} // namespace

nlohmann::json trace_json(const trace::TraceFile& file, const trace::Summary& summary) {
    const trace::Trace& trace = file.trace;
    nlohmann::json json = summary_json(summary);
    json["completion"] = trace::completion_names()[static_cast<std::size_t>(trace.completion)];
    json["being_written"] = file.is_being_written;
    json["attributes"] = trace.header.attributes;
    json["numbers"] = trace.header.numbers;
    json["parts"] = parts_json(trace);
    json["decision_table"] = decisions_json(trace);
    json["placement"] = placement_json(trace);
    json["groups_over_time"] =
        trace::blocks_over_time(trace, static_cast<std::int32_t>(BlockKind::group));
    json["events"] = events_json(trace);
    json["token_latency"] = latencies_json(trace);
    json["time"] = time_json(trace);
    json["links"] = links_json(trace);
    return json;
}

} // namespace headroom::cli
