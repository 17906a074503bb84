// Writes the trace-event format, a JSON format of Chrome that ui.perfetto.dev and chrome://tracing
// read. Each event is one line. In this format an event belongs to a thread of a process; a viewer
// draws a thread as a track and a process as a group of tracks.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

#include "base/units.hpp"
#include "trace/analysis/request_figures.hpp"

namespace headroom::trace {

/// Returns the text as a JSON string, in quotes and escaped. Bytes that are not UTF-8 become
/// U+FFFD.
[[nodiscard]] std::string json_text(std::string_view text);

/// Returns the time in microseconds as a JSON number with all nanoseconds: "12.003" for 12 003 ns.
/// A reader that stores the number as a double keeps the nanoseconds up to 26 days (2^51 ns).
[[nodiscard]] std::string microseconds(Nanoseconds time);

class JsonMembers {
  public:
    JsonMembers& add(std::string_view name, std::int64_t value);
    JsonMembers& add(std::string_view name, double value);
    JsonMembers& add(std::string_view name, std::string_view text);
    /// Adds a time in ns, or null for kNever.
    JsonMembers& add_time(std::string_view name, Nanoseconds time);
    /// Returns the members, separated by commas and without braces.
    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    JsonMembers& add_member(std::string_view name, const std::string& value);
    std::string text_;
};

/// A track on which events are drawn: a thread of a process.
struct Track {
    std::int64_t process = 0;
    std::int64_t thread = 0;
};

/// Writes the events of one file. The constructor writes the file's first line.
class TraceEvents {
  public:
    explicit TraceEvents(std::ostream& out);

    /// Adds a process and returns its number. Viewers show processes in the order in which they
    /// were added.
    [[nodiscard]] std::int64_t add_process(std::string_view name);
    /// Adds a track to a process. No two tracks of the file have the same thread number.
    [[nodiscard]] Track add_track(std::int64_t process, std::string_view name);
    /// Adds a slice, an event with a duration. Two slices of a track must not overlap, but one may
    /// contain the other. Then the outer slice must be added first.
    void slice(Track track, Span span, std::string_view name, const JsonMembers& arguments);
    /// Adds an event without a duration.
    void instant(Track track, Nanoseconds at, std::string_view name, const JsonMembers& arguments);
    /// Sets the process's counter `name` to a value from time `at` on.
    void counter(
        std::int64_t process,
        Nanoseconds at,
        std::string_view name,
        std::string_view unit,
        std::int64_t value
    );
    /// A point of an arrow: its start, a point on its way, or its end.
    enum class Flow : char { start = 's', step = 't', end = 'f' };
    /// Adds a point of arrow number `id`. It is drawn on the track's slice that contains time `at`.
    void flow(Flow point, std::int64_t id, Track track, Nanoseconds at);
    /// Writes the end of the file, including `about`, the data about the run.
    void finish(const JsonMembers& about);

    [[nodiscard]] std::int64_t tracks() const { return tracks_; }
    [[nodiscard]] std::int64_t events() const { return events_; }

  private:
    void event(char phase, Track track, std::string_view name, std::string_view rest);

    std::ostream& out_;
    std::int64_t processes_ = 0;
    std::int64_t tracks_ = 0;
    std::int64_t events_ = 0; ///< number of events, including those that name processes and tracks
};

} // namespace headroom::trace
