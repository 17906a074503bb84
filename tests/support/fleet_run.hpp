// Whole runs in one process, for tests: run_fleet makes a run, run_oracle decodes the same prompts
// on a single device, and the functions below compare a run with the oracle, the timeline and the
// closed forms of memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "config/scenario/scenario.hpp"
#include "model/decoder/slicing.hpp"
#include "runtime/session/session.hpp"
#include "trace/records/trace.hpp"

namespace headroom::support {

/// A scenario with devices of unequal speed, as make_scenario writes it.
struct FleetText {
    std::filesystem::path model;
    int devices = 3;
    std::int64_t tokens = 12;
    std::int64_t interval = 1;
    std::string policy = "resource_aware";
    std::string prompt = "Once upon a time";
    std::string memory = "64 MiB"; ///< memory of every device
    bool varied = true;            ///< devices have random loads, links a varying bandwidth
    int source = 0;
    std::string kv_type = "f32";
    std::string ends = "anywhere"; ///< controller.ends; the default lets embed and lm_head move
    std::string workload{};        ///< more lines of [workload]
    std::string controller{};      ///< more lines of [controller]
    std::string extra;             ///< more TOML at the end
};
[[nodiscard]] config::Scenario make_scenario(const FleetText& text);

struct FleetRun {
    trace::Trace trace;
    std::vector<std::vector<float>> logits; ///< one per sampled token, ordered by sequence
    runtime::RunOutcome outcome;
    /// Returns the sampled tokens, ordered by sequence.
    [[nodiscard]] std::vector<std::int32_t> sampled() const;
};

/// What a test changes about a run.
struct RunChange {
    const scheduler::Policy* policy = nullptr; ///< replaces the scenario's policy
    kernels::Level level = kernels::best_level();
    bool trace_ops = true;
    Nanoseconds planted_wait = 0;
    bool faulty = false; ///< the run has a deliberate fault, so its trace is not replayed
    const trace::Trace* resumed =
        nullptr;                       ///< resumes the run of this trace; the result has both parts
    std::int64_t interrupt_after = -1; ///< a signal comes at this check for one; -1: none comes
    std::function<void()> after_load;
    /// Returns a transport that wraps the given one, or null.
    std::function<std::unique_ptr<comm::Transport>(comm::Transport&)> wrap;
};
/// Runs the scenario with one thread per device. Fails the test if the trace cannot be replayed.
[[nodiscard]] FleetRun run_fleet(const config::Scenario& scenario, const RunChange& change = {});

struct OracleRun {
    std::vector<std::int32_t> sampled;
    std::vector<std::vector<float>> logits; ///< one per sampled token, ordered by sequence
};
/// Decodes `tokens` tokens of one prompt, each the one with the largest logit.
[[nodiscard]] OracleRun run_oracle(
    const std::filesystem::path& model,
    const std::string& prompt,
    std::int64_t tokens,
    const model::Slicing& cut = {},
    WeightType kv_type = WeightType::f32
);

/// Decodes the requests of the scenario one after the other, each alone, with the scenario's
/// sampling, cut and type of KV caches. keep_cache: a deliberate fault: the oracle keeps its cache
/// between two requests.
[[nodiscard]] OracleRun run_oracle(const config::Scenario& scenario, bool keep_cache = false);

/// Returns the first difference in sampled tokens or in the bits of the logits, or "".
[[nodiscard]] std::string difference(const FleetRun& run, const OracleRun& oracle);

/// Computes the times of all turns and migrations in the trace with the timeline and compares them
/// with the recorded ones, also those of operations and messages if the trace has them. Returns the
/// first difference, or "" if all times are equal to the nanosecond.
[[nodiscard]] std::string timeline_difference(
    const config::Scenario& scenario, const trace::Trace& trace
);

/// Compares the recorded memory of each device with the closed forms: the bytes held at the end of
/// each interval, and the peak within it. Returns the first difference, or "".
[[nodiscard]] std::string memory_difference(
    const config::Scenario& scenario, const trace::Trace& trace
);

/// Returns the turns of all intervals in the order in which the source began them.
[[nodiscard]] std::vector<trace::TurnRow> turns_of(const trace::Trace& trace);

/// Returns the sizes of turns for which the run allocated buffers.
[[nodiscard]] scheduler::TurnSizes turn_sizes(
    const trace::Trace& trace, const config::Scenario& scenario
);

/// Returns the number of prompt tokens of each sequence.
[[nodiscard]] std::vector<std::int64_t> prompt_lengths(const trace::Trace& trace);

} // namespace headroom::support
