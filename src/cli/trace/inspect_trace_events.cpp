#include "cli/trace/inspect_trace_events.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/units.hpp"
#include "trace/records/labels.hpp"

namespace headroom::cli {

namespace {

std::string time_of(const config::Event& event) {
    return event.at >= 0 ? format_duration(event.at) : fmt::format("token {}", event.at_token);
}

/// The number of recorded events that are shown, so that the decisions below stay visible.
constexpr std::size_t kEventsShown = 12;

/// Returns the text of an event with its device's name and, for an overload, its bytes.
std::string event_text(const trace::Trace& trace, const trace::EventRow& event) {
    const auto device = static_cast<std::size_t>(event.device);
    std::string text = event.text;
    if (event.device >= 0 && device < trace.header.devices.size()) {
        text = trace.header.devices[device].name + " " + text;
    }
    return event.value > 0 ? fmt::format("{} ({})", text, format_bytes(event.value)) : text;
}

/// Returns whether the run reached the time or token of the event.
bool was_reached(const trace::Trace& trace, const config::Event& event) {
    if (event.at >= 0) {
        return !trace.intervals.empty() && event.at <= trace.intervals.back().row.t_end;
    }
    // The event takes effect with the first turn that begins after that token.
    const auto begun_after = [&](const trace::TurnRow& turn) {
        return turn.seen_tokens >= event.at_token;
    };
    return std::ranges::any_of(trace.intervals, [&](const trace::Interval& interval) {
        return std::ranges::any_of(interval.turns, begun_after);
    });
}

} // namespace

std::vector<config::Event> scenario_events(const trace::Trace& trace) {
    try {
        return config::parse_scenario(trace.header.scenario, "scenario.toml", {}).events;
    } catch (const InputError&) {
        return {};
    }
}

nlohmann::json event_json(const config::Event& event) {
    return {
        {"text", event.text},
        event.at >= 0 ? nlohmann::json{"at_ns", event.at}
                      : nlohmann::json{"at_token", event.at_token}};
}

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
                trace::code_label(trace.header, "events.kind", event.kind),
                event_text(trace, event)
            );
        }
    }
    if (met > listed) {
        text += fmt::format("  {:>10}  and {} more, see --json\n", "", met - listed);
    }
    return text.empty() ? "" : fmt::format("  {:>10}  event\n{}\n", "at", text);
}

} // namespace headroom::cli
