// What a run is given, what it gives back, and who may watch it.
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

/// A decision, for people: shown while the run goes on.
struct DecisionNote {
    trace::IntervalRow row;
    std::vector<scheduler::Move> moves;
    const scheduler::Blocks* blocks = nullptr;
    scheduler::Placement placement; ///< in force from now on
    std::string reason;
    Bytes bytes = 0;  ///< that the moves send
    Bytes loaded = 0; ///< that their targets read from storage
};

/// What rank 0 can watch. Called on rank 0's thread; must not throw.
class Observer {
  public:
    virtual ~Observer() = default;
    /// Something is odd about the input and does no harm; before on_begin.
    virtual void on_warning(const std::string& /*warning*/) {}
    virtual void on_begin(const trace::RunHeader& header) = 0;
    /// A sequence begins; after its decision, before its first token. Only where there is one at a
    /// time.
    virtual void on_prompt(const std::string& text) = 0;
    /// `piece`: whole UTF-8 characters, or none yet; at a sequence's end whatever bytes are left.
    /// `sampled`: tokens of the run so far.
    virtual void on_token(const std::string& piece, std::int64_t sampled) = 0;
    /// Where several can be in flight: one has ended, and this is its prompt and what was sampled.
    virtual void on_text(std::int64_t sequence, const std::string& text) = 0;
    virtual void on_decision(const DecisionNote& note) = 0;
    virtual void on_interval(const trace::Interval& interval) = 0;
};

/// What devices compare to see that they run the same.
[[nodiscard]] std::uint64_t hash_of(const config::Scenario& scenario);

struct RunOptions {
    const config::Scenario* scenario = nullptr;
    /// The best that this device can do, or what it was told to use.
    kernels::Level level = kernels::Level::reference;
    bool level_told = false;
    std::string problem; ///< why this device cannot take part, if that is known already; bad input
    /// hash_of(*scenario), where many devices in one process would each find it out.
    std::optional<std::uint64_t> scenario_hash;
    /// The scenario's model, where many devices in one process would each open it; else null.
    std::shared_ptr<const model::GgufFile> model_file;
    bool trace_ops = false;
    StopCheck stop = nullptr; ///< asked within decisions and walks that take long
    std::map<std::string, std::string> attributes; ///< for the trace: version, commit, transport, …

    // Rank 0 only.
    std::vector<std::string> hosts; ///< per device, for messages; empty: all in this process
    const scheduler::Policy* policy = nullptr;
    trace::Sink* sink = nullptr;       ///< may be null
    Observer* observer = nullptr;      ///< may be null
    std::optional<ResumePoint> resume; ///< where a run that was broken off goes on
    std::string resumed_model;         ///< content hash of its model; empty: not known

    // For tests.
    std::function<void(std::int64_t turn, std::span<const float>)> on_logits;
    std::function<void()> after_load; ///< on every device, before the first token
    Nanoseconds planted_wait = 0;
};

struct RunOutcome {
    /// 0, or why the run ended early although every device knows and left in order.
    int exit_code = 0;
    std::string message;
    // Rank 0 only.
    Nanoseconds lateness_max = 0; ///< paced: the most that any device was behind
    Nanoseconds elapsed_wall = 0; ///< source: clock zero to the last token
};

} // namespace headroom::runtime
