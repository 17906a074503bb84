#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/block.hpp"
#include "base/error.hpp"
#include "base/units.hpp"
#include "cli/inspect_command.hpp"
#include "cli/summary_text.hpp"
#include "config/scenario.hpp"
#include "trace/hdf5/reader.hpp"
#include "trace/hdf5/repair.hpp"
#include "trace/summary.hpp"

namespace headroom::cli {

namespace {

const std::string& code_name(
    const trace::RunHeader& header, const std::string& column, std::int32_t code
) {
    static const std::string unknown = "?";
    const auto found = header.codes.find(column);
    const auto index = static_cast<std::size_t>(code);
    return found == header.codes.end() || index >= found->second.size() ? unknown
                                                                        : found->second[index];
}

const std::string& reason_of(const trace::Trace& trace, const trace::IntervalRow& row) {
    return code_name(trace.header, "intervals.reason", row.reason);
}

bool has_several_in_flight(const trace::Trace& trace) {
    const auto most = trace.header.numbers.find("in_flight");
    return most != trace.header.numbers.end() && most->second > 1;
}

/// Columns of the decision table that a run of one sequence has no use for.
std::string flight_columns(const trace::IntervalRow& row) {
    return fmt::format(
        "  {:>9}  {:>7}  {:>5}  {:>10}",
        row.in_flight,
        row.waiting,
        row.batch,
        format_duration(row.predicted_round_ns)
    );
}

std::string decision_table(const trace::Trace& trace) {
    const bool several = has_several_in_flight(trace);
    std::string text = fmt::format(
        "  {:>6}  {:>10}  {:<10}  {:>5}  {:>10}  {:>10}  {:>10}  {:>10}{}\n",
        "token",
        "at",
        "decision",
        "moves",
        "migration",
        "kept",
        "predicted",
        "measured",
        several
            ? fmt::format("  {:>9}  {:>7}  {:>5}  {:>10}", "in flight", "waiting", "batch", "round")
            : ""
    );
    const auto shown = [](Nanoseconds t) { return t < 0 ? "-" : format_duration(t); };
    for (const trace::Interval& interval : trace.intervals) {
        const trace::IntervalRow& row = interval.row;
        text += fmt::format(
            "  {:>6}  {:>10}  {:<10}  {:>5}  {:>10}  {:>10}  {:>10}  {:>10}{}\n",
            row.first_token,
            format_duration(row.t_dec),
            reason_of(trace, row),
            row.moves,
            row.moves > 0 ? format_duration(row.measured_migration_ns) : "-",
            shown(row.kept_inference_ns),
            format_duration(row.predicted_inference_ns),
            row.measured_inference_ns > 0 ? format_duration(row.measured_inference_ns) : "-",
            several ? flight_columns(row) : ""
        );
    }
    return text;
}

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
             {"decision", reason_of(trace, row)},
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

constexpr std::size_t kKinds = 5;
static_assert(static_cast<std::size_t>(BlockKind::lm_head) == kKinds - 1);

/// Device by device, how many blocks of each kind it holds at the last interval.
std::vector<std::array<std::int64_t, kKinds>> last_placement(const trace::Trace& trace) {
    std::vector<std::array<std::int64_t, kKinds>> counts(trace.header.devices.size());
    if (trace.intervals.empty()) {
        return counts;
    }
    const std::vector<std::int32_t>& placement = trace.intervals.back().placement;
    for (std::size_t b = 0; b < placement.size(); ++b) {
        const auto device = static_cast<std::size_t>(placement[b]);
        const auto kind = static_cast<std::size_t>(trace.header.blocks[b].kind);
        if (device < counts.size() && kind < kKinds) {
            ++counts[device][kind];
        }
    }
    return counts;
}

std::string kind_name(std::size_t kind) {
    return std::string(name_of(static_cast<BlockKind>(kind)));
}

std::string placement_table(const trace::Trace& trace) {
    std::string text = fmt::format("  {:<16}", "placed at the end");
    for (std::size_t kind = 0; kind < kKinds; ++kind) {
        text += fmt::format("  {:>7}", kind_name(kind));
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

nlohmann::json placement_json(const trace::Trace& trace) {
    nlohmann::json placement = nlohmann::json::array();
    const auto counts = last_placement(trace);
    for (std::size_t d = 0; d < counts.size(); ++d) {
        nlohmann::json device{{"name", trace.header.devices[d].name}};
        for (std::size_t kind = 0; kind < kKinds; ++kind) {
            device[kind_name(kind)] = counts[d][kind];
        }
        placement.push_back(device);
    }
    return placement;
}

/// What the scenario did to the fleet. Empty if this version cannot read the scenario any more.
std::vector<config::Event> scenario_events(const trace::Trace& trace) {
    try {
        return config::parse_scenario(trace.header.scenario, "scenario.toml", {}).events;
    } catch (const InputError&) {
        return {};
    }
}

std::string time_of(const config::Event& event) {
    return event.at >= 0 ? format_duration(event.at) : fmt::format("token {}", event.at_token);
}

/// More would hide the decisions that follow.
constexpr std::size_t kEventsShown = 12;

/// With the device's name and, for an overload, by how much.
std::string event_text(const trace::Trace& trace, const trace::EventRow& event) {
    const auto device = static_cast<std::size_t>(event.device);
    std::string text = event.text;
    if (event.device >= 0 && device < trace.header.devices.size()) {
        text = trace.header.devices[device].name + " " + text;
    }
    return event.value > 0 ? fmt::format("{} ({})", text, format_bytes(event.value)) : text;
}

/// Whether the run went on for so long.
bool was_reached(const trace::Trace& trace, const config::Event& event) {
    if (event.at >= 0) {
        return !trace.intervals.empty() && event.at <= trace.intervals.back().row.t_end;
    }
    // It takes effect with the first turn begun after that token.
    const auto begun_after = [&](const trace::TurnRow& turn) {
        return turn.seen_tokens >= event.at_token;
    };
    return std::any_of(
        trace.intervals.begin(),
        trace.intervals.end(),
        [&](const trace::Interval& interval) {
            return std::any_of(interval.turns.begin(), interval.turns.end(), begun_after);
        }
    );
}

/// First the scenario's, then what was met on the way.
std::string event_list(const trace::Trace& trace) {
    std::string text;
    for (const config::Event& event : scenario_events(trace)) {
        text += fmt::format(
            "  {:>10}  {:<20}  {}{}\n",
            time_of(event),
            "scenario",
            event.text,
            was_reached(trace, event) ? "" : " (not reached)"
        );
    }
    std::size_t listed = 0;
    std::size_t met = 0;
    for (const trace::Interval& interval : trace.intervals) {
        met += interval.events.size();
        for (const trace::EventRow& event : interval.events) {
            if (listed == kEventsShown) {
                break;
            }
            ++listed;
            text += fmt::format(
                "  {:>10}  {:<20}  {}\n",
                format_duration(event.at),
                code_name(trace.header, "events.kind", event.kind),
                event_text(trace, event)
            );
        }
    }
    if (met > listed) {
        text += fmt::format("  {:>10}  and {} more, see --json\n", "", met - listed);
    }
    return text.empty() ? "" : fmt::format("  {:>10}  event\n{}\n", "at", text);
}

nlohmann::json events_json(const trace::Trace& trace) {
    nlohmann::json events = nlohmann::json::array();
    for (const config::Event& event : scenario_events(trace)) {
        nlohmann::json object{{"kind", "scenario"}, {"text", event.text}};
        if (event.at >= 0) {
            object["at_ns"] = event.at;
        } else {
            object["at_token"] = event.at_token;
        }
        events.push_back(object);
    }
    for (const trace::Interval& interval : trace.intervals) {
        for (const trace::EventRow& event : interval.events) {
            events.push_back(
                {{"at_ns", event.at},
                 {"kind", code_name(trace.header, "events.kind", event.kind)},
                 {"device", event.device},
                 {"value", event.value},
                 {"text", event.text}}
            );
        }
    }
    return events;
}

void repair_trace(const std::string& path) {
    const bool changed = trace::repair(path);
    fmt::print(
        stderr,
        "{}: {}\n",
        path,
        changed ? "is an ordinary HDF5 file now" : "was in order, nothing changed"
    );
}

void print_attributes(const trace::RunHeader& header) {
    for (const auto& [name, value] : header.attributes) {
        fmt::print("  {:<24}{}\n", name, value);
    }
    for (const auto& [name, value] : header.numbers) {
        fmt::print("  {:<24}{}\n", name, value);
    }
}

} // namespace

int inspect_trace(const InspectCommand& command) {
    if (command.repair) {
        repair_trace(command.file.string());
    }
    const trace::TraceFile file = trace::open_trace(command.file.string());
    trace::Summarizer summarizer;
    summarizer.begin(file.trace.header);
    for (const trace::Interval& interval : file.trace.intervals) {
        summarizer.commit(interval);
    }
    const trace::Summary summary = summarizer.summary();
    const std::string completion =
        trace::completion_names()[static_cast<std::size_t>(file.trace.completion)];
    if (command.json) {
        nlohmann::json json = summary_json(summary);
        json["completion"] = completion;
        json["being_written"] = file.being_written;
        json["attributes"] = file.trace.header.attributes;
        json["numbers"] = file.trace.header.numbers;
        json["decision_table"] = decisions_json(file.trace);
        json["placement"] = placement_json(file.trace);
        json["events"] = events_json(file.trace);
        print_json(json);
        return 0;
    }
    fmt::print("trace {}: {}", command.file.string(), completion);
    if (file.trace.completion == trace::Completion::running) {
        fmt::print(
            " {}",
            file.being_written ? "(its program runs still)"
                               : "(killed; all committed intervals are here)"
        );
    }
    fmt::print("\n\n");
    print_attributes(file.trace.header);
    fmt::print("\n{}\n{}\n", summary_text(summary), placement_table(file.trace));
    fmt::print("{}{}", event_list(file.trace), decision_table(file.trace));
    if (!summary.text.empty()) {
        fmt::print("\n{}\n", summary.text);
    }
    return 0;
}

} // namespace headroom::cli
