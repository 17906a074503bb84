// Traces walked again. Without another policy: do the recorded decisions, placements and times come
// out again from what the trace holds? Under another one: what would have happened? Model files and
// transports are not needed: a token's id does not depend on where it was computed
// (docs/explanation/invariants.md#numbers-do-not-depend-on-where-they-are-computed).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "config/scenario/scenario.hpp"
#include "runtime/setup/run.hpp"
#include "trace/records/trace.hpp"

namespace headroom::runtime {

struct Replay {
    /// The first interval that comes out otherwise, a line per value, "where: recorded | derived";
    /// empty: identical.
    std::vector<std::string> differences;
    std::int64_t intervals = 0;   ///< that were derived and compared
    std::int64_t resumptions = 0; ///< of the run, each derived from its own start
};

/// Whoever waits for a replay. Either may be empty.
struct ReplayWatch {
    std::function<void(std::int64_t)> on_interval; ///< so many have been derived and compared
    int (*interrupted)() = nullptr;                ///< 0, or the exit code that a signal asks for
};

/// Derives all that `trace` records: every decision, placement, time, byte and row, but sampled
/// ids, checksums and texts, which only weights give and which are taken as recorded. Of a run that
/// was killed, interrupted or failed, all committed intervals. `scenario`: the recorded one;
/// `policy`: that decided.
/// Throws InputError if the trace does not hold what is needed, InterruptedError after a signal.
[[nodiscard]] Replay replay(
    const trace::Trace& trace,
    const config::Scenario& scenario,
    const scheduler::Policy& policy,
    const ReplayWatch& watch = {}
);

/// What would have happened under another scenario, which differs from the recorded one in its
/// policy: the same fleet, with its profiles at the times that come up now, the same requests and
/// events, the same tokens. Of a run that was broken off, the sequences and tokens that it has.
/// Of `options` as in simulate(): policy, sink, observer, trace_ops.
[[nodiscard]] RunOutcome replay_under(
    const trace::Trace& trace, const RunOptions& options, int (*interrupted)() = nullptr
);

} // namespace headroom::runtime
