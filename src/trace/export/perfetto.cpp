#include "trace/export/perfetto.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "trace/analysis/parts.hpp"
#include "trace/export/perfetto_devices.hpp"
#include "trace/export/trace_events.hpp"
#include "trace/export/track_assignment.hpp"
#include "trace/records/labels.hpp"

namespace headroom::trace {

namespace {

// ---- decisions

/// A decision and the version of the policy that made it.
struct MadeDecision {
    const IntervalRow* row = nullptr;
    std::string policy_version;
};

JsonMembers decision_arguments(const RunHeader& header, const MadeDecision& decision) {
    const IntervalRow& row = *decision.row;
    return JsonMembers()
        .add("policy", code_label(header, "intervals.policy", row.policy))
        .add("policy_version", decision.policy_version)
        .add("reason", code_label(header, "intervals.reason", row.reason))
        .add("epoch", row.epoch)
        .add("first_token", row.first_token)
        .add("moves", std::int64_t{row.moves})
        .add("feasible", std::int64_t{row.feasible})
        .add_time("predicted_inference_ns", row.predicted_inference_ns)
        .add_time("measured_inference_ns", row.measured_inference_ns)
        .add_time("predicted_migration_ns", row.predicted_migration_ns)
        .add_time("measured_migration_ns", row.measured_migration_ns)
        .add_time("kept_inference_ns", row.kept_inference_ns)
        .add("in_flight", std::int64_t{row.in_flight})
        .add("waiting", std::int64_t{row.waiting})
        .add("batch", std::int64_t{row.batch})
        .add_time("predicted_round_ns", row.predicted_round_ns)
        .add("paper_delay_s", row.paper_delay_s)
        .add("paper_migration_s", row.paper_migration_s)
        .add("decision_wall_ns", row.decision_wall_ns);
}

std::string decision_name(const RunHeader& header, const IntervalRow& row) {
    const std::string reason = code_label(header, "intervals.reason", row.reason);
    return row.moves > 0 ? fmt::format("{}: {} blocks", reason, row.moves) : reason;
}

/// Adds a decision that changes something as a slice that ends when turns may begin again. The
/// slice contains slices for the turns under way and for the migration. Other decisions are
/// instants.
void add_decision(
    const RunHeader& header, const MadeDecision& decision, TraceEvents& events, Track track
) {
    const IntervalRow& row = *decision.row;
    const std::string name = decision_name(header, row);
    if (row.t_resume <= row.t_dec) {
        events.instant(track, row.t_dec, name, decision_arguments(header, decision));
        return;
    }
    events.slice(track, {row.t_dec, row.t_resume}, name, decision_arguments(header, decision));
    if (row.t_dec < row.t_switch && row.t_switch <= row.t_resume) {
        events.slice(track, {row.t_dec, row.t_switch}, "turns under way end", JsonMembers());
    }
    if (row.t_dec <= row.t_switch && row.t_switch < row.t_resume) {
        events.slice(track, {row.t_switch, row.t_resume}, "migration", JsonMembers());
    }
}

void add_decisions(const Trace& trace, TraceEvents& events) {
    const std::int64_t process = events.add_process("decisions");
    std::vector<TrackSpan<MadeDecision>> decisions;
    std::vector<TrackSpan<std::size_t>> intervals;
    std::vector<const EventRow*> fleet_events;
    const std::vector<std::string> versions = policy_versions(trace);
    for (std::size_t i = 0; i < trace.intervals.size(); ++i) {
        const IntervalRow& row = trace.intervals[i].row;
        decisions.push_back({{row.t_dec, std::max(row.t_dec, row.t_resume)}, {&row, versions[i]}});
        intervals.push_back({{row.t_dec, std::max(row.t_dec, row.t_end)}, i});
        for (const EventRow& event : trace.intervals[i].events) {
            if (event.device < 0) {
                fleet_events.push_back(&event);
            }
        }
    }
    assign_tracks(events, process, "decisions", decisions);
    for (const auto& item : decisions) {
        add_decision(trace.header, item.content, events, item.track);
    }
    assign_tracks(events, process, "intervals", intervals);
    for (const auto& item : intervals) {
        const IntervalRow& row = trace.intervals[item.content].row;
        events.slice(
            item.track,
            item.span,
            fmt::format("interval {}", item.content),
            JsonMembers()
                .add("interval", static_cast<std::int64_t>(item.content))
                .add("tokens", row.tokens)
        );
    }
    add_event_rows(trace.header, fleet_events, events, process, "events");
}

// ---- sequences

std::string turn_name(const TurnRow& turn) {
    return turn.tokens == 1 ? fmt::format("sequence {}: token {}", turn.sequence, turn.first + 1)
                            : fmt::format(
                                  "sequence {}: prompt {} to {}",
                                  turn.sequence,
                                  turn.first + 1,
                                  turn.first + turn.tokens
                              );
}

JsonMembers turn_arguments(const TurnRow& turn) {
    return JsonMembers()
        .add("turn", turn.turn)
        .add("epoch", turn.epoch)
        .add("sequence", std::int64_t{turn.sequence})
        .add("round", turn.round)
        .add("visit", turn.visit)
        .add("batch", turn.batch)
        .add("first", turn.first)
        .add("tokens", turn.tokens)
        .add("samples", std::int64_t{turn.samples})
        .add("seen_tokens", turn.seen_tokens);
}

JsonMembers request_arguments(const RequestRow& request) {
    return JsonMembers()
        .add("sequence", std::int64_t{request.sequence})
        .add("arrival", request.arrival)
        .add("first_token", request.first_token)
        .add("prompt_tokens", request.prompt_tokens)
        .add("sampled_tokens", request.sampled_tokens)
        .add("text", request.text);
}

struct Slot {
    std::vector<TrackSpan<const RequestRow*>> requests;
    std::vector<TrackSpan<const TurnRow*>> turns;
};

void add_sequences(const Trace& trace, TraceEvents& events) {
    const std::int64_t process = events.add_process("sequences");
    std::map<std::int32_t, Slot> slots;
    std::vector<TrackSpan<const RequestRow*>> waits;
    for (const Interval& interval : trace.intervals) {
        for (const TurnRow& turn : interval.turns) {
            slots[turn.slot].turns.push_back({{turn.start, turn.end}, &turn});
        }
        for (const RequestRow& request : interval.requests) {
            slots[request.slot].requests.push_back({{request.begin, request.end}, &request});
            if (request.arrival < request.begin) {
                waits.push_back({{request.arrival, request.begin}, &request});
            }
        }
    }
    const auto add_requests = [&](const std::string& name, auto& items, const char* what) {
        assign_tracks(events, process, name, items);
        for (const auto& item : items) {
            events.slice(
                item.track,
                item.span,
                fmt::format("sequence {}{}", item.content->sequence, what),
                request_arguments(*item.content)
            );
        }
    };
    add_requests("waiting for a slot", waits, " waits");
    for (auto& [number, slot] : slots) {
        add_requests(fmt::format("slot {}: requests", number), slot.requests, "");
        assign_tracks(events, process, fmt::format("slot {}: turns", number), slot.turns);
        for (const auto& item : slot.turns) {
            events.slice(
                item.track, item.span, turn_name(*item.content), turn_arguments(*item.content)
            );
        }
    }
}

// ---- counters

void add_resources(const Trace& trace, TraceEvents& events) {
    const std::int64_t memory = events.add_process("memory");
    const std::int64_t compute = events.add_process("compute");
    for (const Interval& interval : trace.intervals) {
        const IntervalRow& row = interval.row;
        for (const ResourceRow& of : interval.resources) {
            const std::string name = device_label(trace.header, of.device);
            events.counter(memory, row.t_dec, name + ": budget", "B", of.memory_budget_bytes);
            events.counter(memory, row.t_dec, name + ": peak", "B", of.memory_peak_bytes);
            events.counter(memory, row.t_end, name + ": used", "B", of.memory_used_bytes);
            events.counter(compute, row.t_dec, name, "FLOP/s", of.compute_flop_per_s);
        }
    }
}

/// Adds the bytes per interval of each link. A link that had a row in the previous interval but has
/// none in this one gets the value 0.
void add_link_use(const Trace& trace, TraceEvents& events) {
    using Link = std::pair<std::int32_t, std::int32_t>;
    const std::int64_t process = events.add_process("bytes per interval");
    std::set<Link> used;
    for (const Interval& interval : trace.intervals) {
        std::set<Link> unused = std::exchange(used, {});
        const Nanoseconds at = interval.row.t_dec;
        const auto count = [&](const Link& link, std::int64_t bytes) {
            const std::string name = link_label(trace.header, link.first, link.second);
            events.counter(process, at, name, "B", bytes);
        };
        for (const LinkStateRow& row : interval.link_states) {
            count({row.from, row.to}, row.bytes);
            used.insert({row.from, row.to});
            unused.erase({row.from, row.to});
        }
        for (const Link& link : unused) {
            count(link, 0);
        }
    }
}

JsonMembers about(const Trace& trace) {
    JsonMembers members;
    members.add("completion", completion_names()[static_cast<std::size_t>(trace.completion)]);
    for (const auto& [name, value] : trace.header.attributes) {
        members.add(name, value);
    }
    for (const auto& [name, value] : trace.header.numbers) {
        members.add(name, value);
    }
    return members;
}

} // namespace

PerfettoCounts write_perfetto(const Trace& trace, std::ostream& out) {
    TraceEvents events(out);
    add_decisions(trace, events);
    add_sequences(trace, events);
    add_devices_and_links(trace, events);
    add_resources(trace, events);
    add_link_use(trace, events);
    events.finish(about(trace));
    return {events.tracks(), events.events()};
}

} // namespace headroom::trace
