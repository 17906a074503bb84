// What a replay found, for people and for programs.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "runtime/offline/replay.hpp"
#include "trace/records/trace.hpp"

namespace headroom::cli {

/// "identical: …", or the first difference with names for devices and blocks.
[[nodiscard]] std::string replay_text(const trace::Trace& trace, const runtime::Replay& replay);
/// Of one that differs: what does, where that is in the run, and who wrote it; indented lines.
[[nodiscard]] std::string difference_text(const trace::Trace& trace, const runtime::Replay& replay);
[[nodiscard]] nlohmann::json replay_json(const trace::Trace& trace, const runtime::Replay& replay);

/// That only the tokens are there that were recorded before the run was broken off.
[[nodiscard]] std::string unfinished_note(const trace::Trace& trace);

} // namespace headroom::cli
