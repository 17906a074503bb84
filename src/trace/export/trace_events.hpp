// The JSON of the trace-event format (Chrome's, read by ui.perfetto.dev and chrome://tracing), one
// event per line. Knows nothing of devices or tokens.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

#include "base/units.hpp"
#include "trace/analysis/request_figures.hpp"

namespace headroom::trace {

/// In quotes and escaped; what is not UTF-8 becomes U+FFFD.
[[nodiscard]] std::string json_text(std::string_view text);

/// Microseconds as a JSON number that loses nothing: "12.003" for 12 003 ns. A double holds it
/// exactly enough to round back to ns for the first 26 days (2^51 ns).
[[nodiscard]] std::string microseconds(Nanoseconds time);

/// The inside of a JSON object, member by member.
class JsonMembers {
  public:
    JsonMembers& add(std::string_view name, std::int64_t value);
    JsonMembers& add(std::string_view name, double value);
    JsonMembers& add(std::string_view name, std::string_view text);
    /// ns; null for kNever.
    JsonMembers& add_time(std::string_view name, Nanoseconds time);
    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    JsonMembers& member(std::string_view name, const std::string& value);
    std::string text_;
};

/// Where an event is drawn: a thread of a process, in the format's words.
struct Track {
    std::int64_t process = 0;
    std::int64_t thread = 0;
};

class TraceEvents {
  public:
    explicit TraceEvents(std::ostream& out);

    /// Names a process; they are shown in the order in which they were named.
    [[nodiscard]] std::int64_t add_process(std::string_view name);
    /// Names a thread; no two of the file have the same number.
    [[nodiscard]] Track add_track(std::int64_t process, std::string_view name);
    /// Those of one track lie apart or within each other, the outer ones first.
    void slice(Track track, Span span, std::string_view name, const JsonMembers& arguments);
    void instant(Track track, Nanoseconds at, std::string_view name, const JsonMembers& arguments);
    /// From now on the process's counter of that name has the value.
    void counter(
        std::int64_t process,
        Nanoseconds at,
        std::string_view name,
        std::string_view unit,
        std::int64_t value
    );
    /// A point of an arrow between slices: the slice of the track that contains `at`.
    enum class Flow : char { start = 's', step = 't', end = 'f' };
    void flow(Flow point, std::int64_t id, Track track, Nanoseconds at);
    /// Closes the JSON. `about`: of the run.
    void finish(const JsonMembers& about);

    [[nodiscard]] std::int64_t tracks() const { return tracks_; }
    [[nodiscard]] std::int64_t events() const { return events_; }

  private:
    void event(char phase, Track track, std::string_view name, std::string_view rest);

    std::ostream& out_;
    std::int64_t processes_ = 0;
    std::int64_t tracks_ = 0;
    std::int64_t events_ = 0; ///< names of processes and tracks among them
};

} // namespace headroom::trace
