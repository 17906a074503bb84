// The result of `headroom replay`, which computes a trace again from its own contents, as text and
// as JSON.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "runtime/offline/replay.hpp"
#include "trace/records/trace.hpp"

namespace headroom::cli {

/// Returns "identical: …" with counts or, if the replay differs from the trace, the number of
/// identical intervals (from one decision to the next) and difference_text(). as_recorded_text()
/// follows in a line of its own.
[[nodiscard]] std::string replay_text(const trace::Trace& trace, const runtime::Replay& replay);
/// Returns indented lines with the first differences, the interval in which they begin, and whether
/// this version of the program recorded that interval. Precondition: the replay differs from the
/// trace.
[[nodiscard]] std::string difference_text(const trace::Trace& trace, const runtime::Replay& replay);
/// If another version of the policy made decisions, so that the replay took them as recorded,
/// returns one line: how many, both versions, and what was verified and what not. Otherwise "".
[[nodiscard]] std::string as_recorded_text(
    const trace::Trace& trace, const runtime::Replay& replay
);
[[nodiscard]] nlohmann::json replay_json(const trace::Trace& trace, const runtime::Replay& replay);

/// Returns a note for the user: the recorded run was not completed, and the tokens in its trace are
/// all that was compared. Precondition: the run was not completed.
[[nodiscard]] std::string unfinished_note(const trace::Trace& trace);

} // namespace headroom::cli
