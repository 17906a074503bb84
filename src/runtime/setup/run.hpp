// The inputs of a run (RunOptions), its result (RunOutcome), and the interface by which a program
// can watch the run on rank 0 (Observer).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/stop_check.hpp"
#include "config/scenario/scenario.hpp"
#include "kernels/kernels.hpp"
#include "model/gguf/gguf.hpp"
#include "runtime/messages/resume_point.hpp"
#include "scheduler/policies/policy.hpp"
#include "scheduler/timing/timeline.hpp"
#include "trace/records/records.hpp"

namespace headroom::runtime {

/// A decision as an observer sees it while the run goes on.
struct DecisionEvent {
    /// The interval that begins with the decision. Members that are known only later, such as
    /// `tokens`, are not set.
    trace::IntervalRow row;
    std::vector<scheduler::Move> moves;
    const scheduler::Blocks* blocks = nullptr;
    scheduler::Placement placement; ///< the placement after the decision
    scheduler::Explanation why;
    Bytes bytes = 0;  ///< bytes sent between devices by the moves
    Bytes loaded = 0; ///< bytes that receivers of blocks read from their storage
};

/// Receives the progress of a run. All functions are called on rank 0's thread and must not throw.
class Observer {
  public:
    virtual ~Observer() = default;
    /// Called before on_begin() if something harmless but unusual is found in the input.
    virtual void on_warning(const std::string& /*warning*/) {}
    virtual void on_begin(const trace::RunHeader& header) = 0;
    /// Called when a sequence begins. If the controller decides at that moment, on_decision() is
    /// called first. text: the prompt. Called only if the run has one sequence in flight at a time.
    virtual void on_prompt(const std::string& text) = 0;
    /// Called after each sampled token. piece: the UTF-8 characters that the token completes, maybe
    /// none. Also called at the end of a sequence, if an incomplete character is left; its bytes
    /// are then the piece. sampled: number of tokens sampled in the run so far.
    virtual void on_token(const std::string& piece, std::int64_t sampled) = 0;
    /// Called at the end of a sequence if several sequences can be in flight. In such a run every
    /// piece of on_token() is empty, because the texts would mix. text: prompt and sampled text.
    virtual void on_text(std::int64_t sequence, const std::string& text) = 0;
    virtual void on_decision(const DecisionEvent& event) = 0;
    /// Called when an interval has been committed.
    virtual void on_interval(const trace::Interval& interval) = 0;
};

/// Returns the hash by which ranks check that they all run the same scenario.
[[nodiscard]] std::uint64_t hash_of(const config::Scenario& scenario);

struct RunOptions {
    const config::Scenario* scenario = nullptr;
    /// The kernel level (kernels.hpp) that the user requested. Without a request, it is the best
    /// level of this device.
    kernels::Level level = kernels::Level::reference;
    bool level_requested = false;
    std::string problem; ///< bad input because of which this device cannot take part; or empty
    /// hash_of(*scenario), if the caller has computed it. Nothing: each device computes the hash.
    std::optional<std::uint64_t> scenario_hash;
    /// The scenario's model, if the caller has opened it. Null: each device opens the file.
    std::shared_ptr<const model::GgufFile> model_file;
    bool trace_ops = false; ///< record every operation and message
    /// Called from time to time by long computations. If it returns an exit code, they throw
    /// InterruptedError.
    StopCheck stop = nullptr;
    std::map<std::string, std::string> attributes; ///< for the trace: version, commit, transport, …

    // Rank 0 only.
    std::vector<std::string> hosts; ///< host of each device; empty: all devices in this process
    const scheduler::Policy* policy = nullptr;
    trace::Sink* sink = nullptr;       ///< may be null
    Observer* observer = nullptr;      ///< may be null
    std::optional<ResumePoint> resume; ///< the state from which a resumed run continues
    std::string resumed_model_hash;    ///< content hash of the resumed run's model; empty: unknown

    // For tests.
    std::function<void(std::int64_t turn, std::span<const float>)> on_logits;
    std::function<void()> after_load; ///< called on every device before the first token
    Nanoseconds planted_wait = 0;     ///< see TurnSettings (turn.hpp)
};

struct RunOutcome {
    int exit_code = 0;   ///< not 0: the run ended early, on all devices together
    std::string message; ///< the reason if exit_code is not 0
    ErrorFields fields;  ///< facts about the error, if it arose on this rank
    // Rank 0 only.
    /// Clock mode `paced`: the longest wall time by which the virtual clock of a device fell behind
    /// the wall clock; 0 in the other clock mode.
    Nanoseconds lateness_max = 0;
    Nanoseconds elapsed_wall = 0; ///< wall time from the clock's start to the last token
};

/// Returns the outcome of a run that this error ended.
[[nodiscard]] inline RunOutcome outcome_of(const Error& error) {
    return {static_cast<int>(error.code()), error.what(), error.fields(), 0, 0};
}

} // namespace headroom::runtime
