// Reads from a trace what a simulation of the recorded run needs. No model file is needed.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "config/scenario/scenario.hpp"
#include "runtime/device/turn.hpp"
#include "runtime/setup/workload_description.hpp"
#include "trace/records/trace.hpp"

namespace headroom::runtime {

/// Returns the recorded scenario with `changes` applied. Throws InputError if this version cannot
/// read the scenario.
[[nodiscard]] config::Scenario recorded_scenario(
    const trace::RunHeader& header, const config::Overrides& changes
);

/// Returns the recorded model shape and prompts. Throws InputError if these are damaged, or
/// missing, as in schema version 3.
[[nodiscard]] WorkloadDescription recorded_workload(
    const trace::RunHeader& header, const config::Scenario& scenario
);

/// An attribute of a counterfactual trace, the simulation of a recorded run under another policy.
/// It lists the simulated requests, which are those with a recorded token. Each range in its text
/// has a first and a last request: "0-7,9-9".
inline constexpr const char* kCounterfactualRequests = "counterfactual_requests";
/// Returns the text with the ranges of these sequences, which must be ascending.
[[nodiscard]] std::string ranges_text(const std::vector<std::int64_t>& sequences);
/// Returns the sequences in a text made by ranges_text(). Throws InputError if the text has another
/// form or names a sequence outside 0 … requests − 1.
[[nodiscard]] std::vector<std::int64_t> sequences_in(
    const std::string& ranges, std::size_t requests
);

/// Throws InputError, "damaged: …", if the trace has a device outside the scenario's fleet, a
/// sequence outside the scenario's requests, or a token id outside the model's vocabulary.
void check_ids(const trace::Trace& trace, const config::Scenario& scenario);

/// The recorded sampled tokens of a run, by sequence and position.
class RecordedTokens {
  public:
    explicit RecordedTokens(const trace::Trace& trace);

    /// Returns the token sampled at `position`, or one with id -1 if none is recorded there.
    [[nodiscard]] SampledToken at(std::int64_t sequence, std::int64_t position) const;
    /// Returns whether `position` is that of the sequence's last recorded token.
    [[nodiscard]] bool is_last(std::int64_t sequence, std::int64_t position) const;
    /// Returns whether the sequence ended by itself, that is, no signal or kill cut it off.
    [[nodiscard]] bool ended(std::int64_t sequence) const { return ended_.contains(sequence); }
    /// Returns the sequences with at least one recorded token, ascending.
    [[nodiscard]] std::vector<std::int64_t> sequences() const;

  private:
    std::map<std::int64_t, std::map<std::int64_t, SampledToken>> tokens_;
    std::set<std::int64_t> ended_;
};

} // namespace headroom::runtime
