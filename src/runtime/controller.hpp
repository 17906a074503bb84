// The periodic controller and the keeper of the trace, as plain values: snapshot -> policy ->
// validate -> command; what happened in an interval -> rows. It knows neither transport nor
// weights: a run tells it what the devices measured (conductor.hpp), a simulation what it walked
// (simulate.hpp), and both leave the same trace.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/tokenizer.hpp"
#include "runtime/control.hpp"
#include "runtime/memory_window.hpp"
#include "runtime/session.hpp"
#include "scheduler/problem.hpp"
#include "trace/records.hpp"

namespace headroom::runtime {

/// What is decoded, by whose decisions, and who learns of it. Pointers outlive the controller.
struct Subject {
    const config::Scenario* scenario = nullptr;
    const scheduler::Blocks* blocks = nullptr;
    const scheduler::Policy* policy = nullptr;
    /// Ids, one list per sequence, none empty; where nobody knows them, as many of -1.
    const std::vector<std::vector<std::int32_t>>* prompts = nullptr;
    std::int64_t tokens_per_turn = 1;                ///< the longest prompt
    const model::Tokenizer* tokenizer = nullptr;     ///< null: requests have no text
    std::map<std::string, std::string> attributes{}; ///< for the trace, beside the controller's own
    bool trace_ops = false;
    trace::Sink* sink = nullptr;  ///< may be null
    Observer* observer = nullptr; ///< may be null
};

/// Payload bytes that a link carried in an interval, migrations included; above 0.
struct LinkUse {
    DeviceId from;
    DeviceId to;
    Bytes bytes = 0;
};

/// One device over an interval.
struct DeviceUse {
    Bytes held = 0; ///< at the end
    Bytes peak = 0; ///< within, migration included
    Bytes paged = 0;
    Bytes process_bytes = 0; ///< resident set of the rank; 0: no rank
    std::vector<OverloadRecord> overloads;
};

/// What happened between two decisions.
struct IntervalFacts {
    Nanoseconds clock = 0; ///< the source's
    Stop stop = Stop::no;
    std::int32_t interrupt_code = 0; ///< exit code that a signal asked for
    std::vector<SampledNote> sampled;
    std::vector<DeviceUse> devices; ///< one per device
    std::vector<LinkUse> links;     ///< by sender, then receiver
    std::vector<TurnOp> ops;        ///< by turn, then device
    std::vector<TurnMessage> messages;
};

/// A decision's question but for snapshot, previous placement and epoch. prompt: its tokens;
/// sampled: tokens of the sequence so far.
[[nodiscard]] scheduler::Problem problem_of(
    const config::Scenario& scenario,
    const scheduler::Blocks& blocks,
    std::int64_t tokens_per_turn,
    std::int64_t prompt,
    std::int64_t sampled
);

class Controller {
  public:
    explicit Controller(Subject subject);

    /// The first placement; then the trace begins. Throws InfeasibleError if nothing fits.
    Command first();
    /// All blocks that moved have arrived; `arrived` in block order. Returns when all go on.
    Nanoseconds resume_after(const std::vector<Arrived>& arrived);
    /// The interval is over on all devices: commits it, and decides again or finishes.
    Command next(const IntervalFacts& facts);
    /// Closes the trace, if one was begun.
    void end(trace::Completion completion);

    /// Of the sequence that the last command is about.
    [[nodiscard]] const std::vector<std::int32_t>& prompt() const {
        return (*subject_.prompts)[static_cast<std::size_t>(sequence_)];
    }
    /// Of the last decision, in block order.
    [[nodiscard]] const std::vector<scheduler::Move>& moves() const { return moves_; }

  private:
    void begin();
    [[nodiscard]] std::int64_t prompt_tokens() const {
        return static_cast<std::int64_t>(prompt().size());
    }
    [[nodiscard]] bool sequence_begins() const { return ids_.empty(); }
    [[nodiscard]] scheduler::Problem problem(Nanoseconds t_dec) const;
    Command decide(Nanoseconds t_dec);
    void begin_next_sequence(Nanoseconds at);
    void judge(const scheduler::Problem& problem, const scheduler::Decision& decision) const;
    void note_decision(
        const scheduler::Problem& problem,
        const scheduler::Decision& decision,
        bool moved,
        Nanoseconds decision_wall
    );
    void record(const IntervalFacts& facts);
    void record_devices(const IntervalFacts& facts);
    void record_links(const IntervalFacts& facts);
    void record_tokens(const IntervalFacts& facts);
    void record_details(const IntervalFacts& facts);
    void record_request(Nanoseconds end);
    [[nodiscard]] trace::RunHeader header() const;
    void describe_fleet(trace::RunHeader& run) const;

    Subject subject_;
    const scheduler::Blocks* blocks_;
    const config::Scenario* scenario_;
    MemoryWindow memory_;
    std::optional<scheduler::Placement> placement_;
    std::vector<scheduler::Move> moves_;
    std::int64_t epoch_ = -1;
    std::int64_t sampled_ = 0; ///< in the whole run
    std::int64_t intervals_ = 0;
    std::int64_t sequence_ = 0;
    std::vector<std::int32_t> ids_; ///< sampled in the sequence
    Nanoseconds begin_ = 0;         ///< of the sequence
    Nanoseconds first_token_ = 0;   ///< of the sequence
    scheduler::Problem question_;   ///< of the last decision
    trace::Interval interval_;      ///< being filled
    bool begun_ = false;            ///< the trace exists
};

} // namespace headroom::runtime
