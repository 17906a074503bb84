// Computes a recorded run again from its trace, without model file and transport. replay() checks
// that decisions, placements and times come out as recorded. replay_under() computes what would
// have happened under another policy. Both can use the recorded tokens, because a token does not
// depend on the devices that compute it
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

/// Decisions that a replay took from the trace without asking the policy, because the trace names
/// another version of it than the program has.
struct DecisionsAsRecorded {
    std::int64_t count = 0;            ///< number of those in the parts of the run that were begun
    std::vector<std::string> versions; ///< the versions that decided, each once, in their order
};

struct Replay {
    /// Values of the first interval that is not as recorded, one line per value: "where: recorded |
    /// derived". Empty if all intervals are as recorded.
    std::vector<std::string> differences;
    /// Whether the policy was asked and decided differently in that interval.
    bool decision_differs = false;
    std::int64_t intervals = 0;   ///< number of intervals that were compared
    std::int64_t resumptions = 0; ///< how often the recorded run was resumed
    std::string policy;           ///< name of the policy
    std::string policy_version;   ///< its version in this program
    DecisionsAsRecorded as_recorded;
};

/// Callbacks of a replay. Each may be empty.
struct ReplayWatch {
    /// Called after each interval with the number of intervals compared so far.
    std::function<void(std::int64_t)> on_interval;
    int (*interrupted)() = nullptr; ///< returns the exit code that a signal asks for, or 0
};

/// Computes every decision, placement, time and byte count of the trace again and compares them
/// with those recorded. Sampled ids, checksums and texts depend on the weights and are taken as
/// recorded. So are the decisions of another version of the policy; their placements must be valid,
/// and what follows from them is computed again. A run that was killed, interrupted or failed is
/// compared up to the end of its trace. scenario: the recorded scenario. policy: the policy that
/// decided in the run. Throws InputError if the trace lacks data that the replay needs, and
/// InterruptedError after a signal.
[[nodiscard]] Replay replay(
    const trace::Trace& trace,
    const config::Scenario& scenario,
    const scheduler::Policy& policy,
    const ReplayWatch& watch = {}
);

/// Simulates the recorded requests and tokens under options.scenario, which differs from the
/// recorded scenario only in its policy. If the run did not finish, only the sequences and tokens
/// in its trace are simulated. Uses the same members of `options` as simulate() (simulate.hpp).
[[nodiscard]] RunOutcome replay_under(
    const trace::Trace& trace, const RunOptions& options, int (*interrupted)() = nullptr
);

} // namespace headroom::runtime
