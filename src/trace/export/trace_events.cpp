#include "trace/export/trace_events.hpp"

#include <algorithm>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace headroom::trace {

namespace {

constexpr std::int64_t kNoThread = 0;
/// Viewers treat thread 0 as no thread, and a thread with its process's number as the main thread.
constexpr std::int64_t kFirstThread = 1000;

std::string as_microseconds(std::uint64_t ns) {
    return fmt::format("{}.{:03}", ns / 1000, ns % 1000);
}

} // namespace

std::string json_text(std::string_view text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string microseconds(Nanoseconds time) {
    const bool negative = time < 0;
    // The smallest integer cannot be negated as a signed number.
    const std::uint64_t ns =
        negative ? 0 - static_cast<std::uint64_t>(time) : static_cast<std::uint64_t>(time);
    return fmt::format("{}{}", negative ? "-" : "", as_microseconds(ns));
}

JsonMembers& JsonMembers::add_member(std::string_view name, const std::string& value) {
    text_ += fmt::format("{}{}:{}", text_.empty() ? "" : ",", json_text(name), value);
    return *this;
}

JsonMembers& JsonMembers::add(std::string_view name, std::int64_t value) {
    return add_member(name, fmt::format("{}", value));
}

JsonMembers& JsonMembers::add(std::string_view name, double value) {
    return add_member(name, nlohmann::json(value).dump());
}

JsonMembers& JsonMembers::add(std::string_view name, std::string_view text) {
    return add_member(name, json_text(text));
}

JsonMembers& JsonMembers::add_time(std::string_view name, Nanoseconds time) {
    return time == kNever ? add_member(name, "null") : add(name, time);
}

TraceEvents::TraceEvents(std::ostream& out) : out_(out) {
    out_ << "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[";
}

void TraceEvents::event(char phase, Track track, std::string_view name, std::string_view rest) {
    fmt::memory_buffer line;
    fmt::format_to(
        std::back_inserter(line),
        "{}\n{{\"ph\":\"{}\",\"pid\":{}{},\"name\":{}{}{}}}",
        events_ == 0 ? "" : ",",
        phase,
        track.process,
        track.thread == kNoThread ? "" : fmt::format(",\"tid\":{}", track.thread),
        json_text(name),
        rest.empty() ? "" : ",",
        rest
    );
    out_.write(line.data(), static_cast<std::streamsize>(line.size()));
    ++events_;
}

std::int64_t TraceEvents::add_process(std::string_view name) {
    const Track track{++processes_, kNoThread};
    const std::string named = fmt::format("\"args\":{{\"name\":{}}}", json_text(name));
    event('M', track, "process_name", named);
    event(
        'M', track, "process_sort_index", fmt::format("\"args\":{{\"sort_index\":{}}}", processes_)
    );
    return processes_;
}

Track TraceEvents::add_track(std::int64_t process, std::string_view name) {
    const Track track{process, kFirstThread + tracks_++};
    event('M', track, "thread_name", fmt::format("\"args\":{{\"name\":{}}}", json_text(name)));
    event('M', track, "thread_sort_index", fmt::format("\"args\":{{\"sort_index\":{}}}", tracks_));
    return track;
}

void TraceEvents::slice(
    Track track, Span span, std::string_view name, const JsonMembers& arguments
) {
    const auto length = static_cast<std::uint64_t>(std::max(span.begin, span.end)) -
                        static_cast<std::uint64_t>(span.begin);
    event(
        'X',
        track,
        name,
        fmt::format(
            "\"ts\":{},\"dur\":{},\"args\":{{{}}}",
            microseconds(span.begin),
            as_microseconds(length),
            arguments.text()
        )
    );
}

void TraceEvents::instant(
    Track track, Nanoseconds at, std::string_view name, const JsonMembers& arguments
) {
    event(
        'i',
        track,
        name,
        fmt::format("\"ts\":{},\"s\":\"t\",\"args\":{{{}}}", microseconds(at), arguments.text())
    );
}

void TraceEvents::counter(
    std::int64_t process,
    Nanoseconds at,
    std::string_view name,
    std::string_view unit,
    std::int64_t value
) {
    event(
        'C',
        {process, kNoThread},
        name,
        fmt::format("\"ts\":{},\"args\":{{{}:{}}}", microseconds(at), json_text(unit), value)
    );
}

void TraceEvents::flow(Flow point, std::int64_t id, Track track, Nanoseconds at) {
    event(
        static_cast<char>(point),
        track,
        "message",
        fmt::format(
            "\"cat\":\"message\",\"id\":{},\"ts\":{}{}",
            id,
            microseconds(at),
            point == Flow::end ? ",\"bp\":\"e\"" : ""
        )
    );
}

void TraceEvents::finish(const JsonMembers& about) {
    out_ << "\n],\"otherData\":{" << about.text() << "}}\n";
}

} // namespace headroom::trace
