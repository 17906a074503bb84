// Whole runs in one process for tests: a scenario, a policy, and what came of it; the oracle's
// answer to the same prompt; and the timeline's answer to the same placements.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "config/scenario/scenario.hpp"
#include "model/decoder/cut.hpp"
#include "runtime/session/session.hpp"
#include "trace/records/trace.hpp"

namespace headroom::support {

/// Devices of unequal speed and memory with links between them, as a scenario's text.
struct FleetText {
    std::filesystem::path model;
    int devices = 3;
    std::int64_t tokens = 12;
    std::int64_t interval = 1;
    std::string policy = "resource_aware";
    std::string prompt = "Once upon a time";
    std::string memory = "64 MiB"; ///< of every device
    bool varied = true;            ///< random loads and link variation
    int source = 0;
    std::string ends = "anywhere"; ///< embed and lm_head move too, unlike by default
    std::string controller{};      ///< further lines of [controller]
    std::string extra;             ///< further TOML, appended
};
[[nodiscard]] config::Scenario make_scenario(const FleetText& text);

struct FleetRun {
    trace::Trace trace;
    std::vector<std::vector<float>> logits; ///< per sampled token, sequence after sequence
    runtime::RunOutcome outcome;
    /// Sequence after sequence.
    [[nodiscard]] std::vector<std::int32_t> sampled() const;
};

struct RunChange {
    const scheduler::Policy* policy = nullptr; ///< instead of the scenario's
    kernels::Level level = kernels::best_level();
    bool trace_ops = true;
    Nanoseconds planted_wait = 0;
    bool faulty = false; ///< something is wrong on purpose: a replay need not agree
    const trace::Trace* resumed = nullptr; ///< of a run that goes on; the result has both parts
    std::int64_t interrupt_after = -1;     ///< times that the run asks for a signal; -1: none comes
    std::function<void()> after_load;
    /// May put another transport in front of the given one.
    std::function<std::unique_ptr<comm::Transport>(comm::Transport&)> wrap;
};
[[nodiscard]] FleetRun run_fleet(const config::Scenario& scenario, const RunChange& change = {});

struct OracleRun {
    std::vector<std::int32_t> sampled;
    std::vector<std::vector<float>> logits; ///< per sampled token, sequence after sequence
};
/// Greedy, `tokens` of them whatever they are.
[[nodiscard]] OracleRun run_oracle(
    const std::filesystem::path& model,
    const std::string& prompt,
    std::int64_t tokens,
    const model::Cut& cut = {}
);

/// Every request of the scenario decoded alone, one after the other, chosen as the workload says,
/// in the scenario's cut. With `keep_cache` the oracle does not forget between two: a fault, for
/// tests that must find it.
[[nodiscard]] OracleRun run_oracle(const config::Scenario& scenario, bool keep_cache = false);

/// Empty if both have the same ids and the same bits in every logit; else the first difference.
[[nodiscard]] std::string difference(const FleetRun& run, const OracleRun& oracle);

/// Walks the run's placements over the scenario's true profiles and compares every time in the
/// trace: tokens, migrations, resumptions, and (with ops) every operation and message.
/// Empty if all are equal to the nanosecond; else the first difference.
[[nodiscard]] std::string timeline_difference(
    const config::Scenario& scenario, const trace::Trace& trace
);

/// Empty if every device held at each interval's end what the closed forms say, and within it never
/// more than before or after; else the first difference.
[[nodiscard]] std::string memory_difference(
    const config::Scenario& scenario, const trace::Trace& trace
);

/// Turns of all intervals in the order in which the source began them.
[[nodiscard]] std::vector<trace::TurnRow> turns_of(const trace::Trace& trace);

/// What the run had at work at once, for the closed form of the buffers.
[[nodiscard]] scheduler::TurnSizes turn_sizes(
    const trace::Trace& trace, const config::Scenario& scenario
);

/// Tokens of each sequence's prompt, by sequence.
[[nodiscard]] std::vector<std::int64_t> prompt_lengths(const trace::Trace& trace);

} // namespace headroom::support
