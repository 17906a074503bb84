// What a trace tells of a run, in the form in which a simulation needs it: no model file.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "config/scenario/scenario.hpp"
#include "runtime/device/turn.hpp"
#include "runtime/setup/outline.hpp"
#include "trace/records/trace.hpp"

namespace headroom::runtime {

/// The scenario that a trace was made from, changed. Throws InputError if this version cannot read
/// it.
[[nodiscard]] config::Scenario recorded_scenario(
    const trace::RunHeader& header, const config::Overrides& changes
);

/// Shape and prompts out of the trace. Throws InputError: it has none (schema version 3), or they
/// are not usable.
[[nodiscard]] Outline recorded_outline(
    const trace::RunHeader& header, const config::Scenario& scenario
);

/// Attribute of a counterfactual trace: the requests that it has, as ranges, "0-7,9-9".
inline constexpr const char* kImaginedRequests = "counterfactual_requests";
[[nodiscard]] std::string ranges_text(const std::vector<std::int64_t>& sequences);
/// Throws InputError if that is no such text, or names a request that there is not.
[[nodiscard]] std::vector<std::int64_t> sequences_in(
    const std::string& ranges, std::size_t requests
);

/// Throws InputError, "damaged: …", if ids in the rows that a replay or a resumption starts from
/// lie outside the scenario's fleet, requests or vocabulary.
void check_ids(const trace::Trace& trace, const config::Scenario& scenario);

/// The tokens of a run, by sequence and position.
class RecordedTokens {
  public:
    explicit RecordedTokens(const trace::Trace& trace);

    /// id -1 if there is none: the run was broken off before it.
    [[nodiscard]] SampledToken at(std::int64_t sequence, std::int64_t position) const;
    /// Whether it is the last that its sequence has.
    [[nodiscard]] bool is_last(std::int64_t sequence, std::int64_t position) const;
    /// Whether its text came to its end: no kill and no interrupt cut it off.
    [[nodiscard]] bool ended(std::int64_t sequence) const { return ended_.contains(sequence); }
    /// That have a token.
    [[nodiscard]] std::vector<std::int64_t> sequences() const;

  private:
    std::map<std::int64_t, std::map<std::int64_t, SampledToken>> tokens_;
    std::set<std::int64_t> ended_;
};

} // namespace headroom::runtime
