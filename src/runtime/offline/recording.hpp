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

/// Returns the recorded model shape and prompts. Throws InputError if they are damaged or if the
/// trace has schema version 3, which lacks them.
[[nodiscard]] WorkloadDescription recorded_workload(
    const trace::RunHeader& header, const config::Scenario& scenario
);

/// A counterfactual trace (of a recorded run under another policy) lists its requests in this
/// attribute, as ranges: "0-7,9-9".
inline constexpr const char* kCounterfactualRequests = "counterfactual_requests";
/// Returns the ranges of these sequences, which must be ascending.
[[nodiscard]] std::string ranges_text(const std::vector<std::int64_t>& sequences);
/// Returns the sequences in a text made by ranges_text. Throws InputError if the text has another
/// form or names a sequence that is not less than `requests`.
[[nodiscard]] std::vector<std::int64_t> sequences_in(
    const std::string& ranges, std::size_t requests
);

/// Throws InputError, "damaged: …", if a device, sequence or token id in the trace lies outside the
/// scenario's fleet, its requests or the model's vocabulary.
void check_ids(const trace::Trace& trace, const config::Scenario& scenario);

/// The recorded tokens of a run, by sequence and position.
class RecordedTokens {
  public:
    explicit RecordedTokens(const trace::Trace& trace);

    /// Returns the recorded token; its id is -1 if the run ended before that token.
    [[nodiscard]] SampledToken at(std::int64_t sequence, std::int64_t position) const;
    /// Returns whether this is the last recorded token of the sequence.
    [[nodiscard]] bool is_last(std::int64_t sequence, std::int64_t position) const;
    /// Returns whether the sequence ended, and was not cut off by a signal or a kill.
    [[nodiscard]] bool ended(std::int64_t sequence) const { return ended_.contains(sequence); }
    /// Returns the sequences that have a sampled token, ascending.
    [[nodiscard]] std::vector<std::int64_t> sequences() const;

  private:
    std::map<std::int64_t, std::map<std::int64_t, SampledToken>> tokens_;
    std::set<std::int64_t> ended_;
};

} // namespace headroom::runtime
