// The periodic controller and the keeper of the trace, as plain values: snapshot -> policy ->
// validate -> command; what happened in an interval -> rows. It knows neither transport nor
// weights: a run tells it what the devices measured (conductor.hpp), a simulation what it walked
// (simulate.hpp), and both leave the same trace.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/tokenizer/tokenizer.hpp"
#include "runtime/device/control_messages.hpp"
#include "runtime/memory/memory_window.hpp"
#include "runtime/setup/requests.hpp"
#include "runtime/setup/run.hpp"
#include "scheduler/core/problem.hpp"
#include "trace/records/records.hpp"

namespace headroom::runtime {

/// What is decoded, by whose decisions, and who learns of it. Pointers outlive the controller.
struct Subject {
    const config::Scenario* scenario = nullptr;
    const scheduler::Blocks* blocks = nullptr;
    const scheduler::Policy* policy = nullptr;
    /// Ids of the different prompts, none empty; where nobody knows them, as many of -1.
    const std::vector<std::vector<std::int32_t>>* prompts = nullptr;
    scheduler::TurnSizes turn_sizes;                 ///< see requests.hpp
    const ResumePoint* resume = nullptr;             ///< null: from the start
    const model::Tokenizer* tokenizer = nullptr;     ///< null: requests have no text
    std::map<std::string, std::string> attributes{}; ///< for the trace, beside the controller's own
    bool trace_ops = false;
    StopCheck stop = nullptr;     ///< see RunOptions
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
    Nanoseconds busy = 0;
    std::vector<OverloadRecord> overloads;
};

/// What the devices did between two decisions.
struct DeviceFacts {
    std::vector<DeviceUse> devices;       ///< one per device
    std::vector<LinkUse> links;           ///< by sender, then receiver
    std::vector<scheduler::OpRecord> ops; ///< by turn, then device
    std::vector<scheduler::MessageRecord> messages;
};

/// A decision's question but for snapshot, previous placement and epoch: for these sequences, all
/// at their full length if some of them are not admitted yet (but the one that begins alone).
/// Precondition: at least one flight.
[[nodiscard]] scheduler::Problem problem_of(
    const config::Scenario& scenario,
    const scheduler::Blocks& blocks,
    const scheduler::TurnSizes& sizes,
    std::span<const Flight> flights
);

class Controller {
  public:
    explicit Controller(Subject subject);

    /// An interval is over on the source. Nothing to close before the first decision.
    void close_interval(const SourceFacts& facts);
    /// Decides; the first time the trace begins. A source that has stopped gets the order to
    /// finish. Throws InfeasibleError if nothing fits at first.
    Command next(const SourceFacts& facts);
    /// All blocks that moved have arrived; `arrived` in block order; `earliest`: the latest clock
    /// of all devices. Returns when all go on.
    Nanoseconds resume_after(
        Nanoseconds t_switch, Nanoseconds earliest, const std::vector<Arrived>& arrived
    );
    /// Closed intervals that wait for what the devices did.
    [[nodiscard]] bool incomplete() const { return !closed_.empty(); }
    /// That of the oldest of them: commits it.
    void complete(const DeviceFacts& facts);
    /// Closes the trace, if one was begun.
    void end(trace::Completion completion);

    [[nodiscard]] const std::vector<Request>& requests() const { return requests_; }
    /// Of the last decision, in block order.
    [[nodiscard]] const std::vector<scheduler::Move>& moves() const { return moves_; }

  private:
    /// An interval with what its rows need later.
    struct Pending {
        trace::Interval interval;
        scheduler::Snapshot snapshot; ///< of its decision
    };
    /// Of a sequence that has begun.
    struct Text {
        std::vector<std::int32_t> ids; ///< sampled
        Nanoseconds first_token = 0;
        bool prompt_told = false;
    };

    void begin();
    Command decide(const SourceFacts& facts);
    scheduler::Decision ask(const SourceFacts& facts);
    [[nodiscard]] scheduler::Problem problem(
        const SourceFacts& facts, std::span<const Flight> flights
    );
    [[nodiscard]] std::int64_t batch_after(
        const scheduler::Decision& decision, const scheduler::Placement& placement
    ) const;
    void judge(const scheduler::Decision& decision) const;
    /// What stays if nothing else fits: of a run that goes on, what it had; nothing at the start.
    [[nodiscard]] std::optional<scheduler::Placement> placement_before() const;
    void note_decision(
        const SourceFacts& facts,
        const scheduler::Decision& decision,
        const Command& command,
        Nanoseconds decision_wall
    );
    void tell(const scheduler::Decision& decision) const;
    void record_source(const SourceFacts& facts);
    void record_turns(const SourceFacts& facts);
    void record_tokens(const SourceFacts& facts);
    void tell_prompt(std::int64_t sequence);
    void record_waits(const SourceFacts& facts);
    void record_interrupt(const SourceFacts& facts);
    void record_request(const RequestFacts& facts);
    void record_devices(const DeviceFacts& facts);
    void record_links(const DeviceFacts& facts);
    void record_details(const DeviceFacts& facts);
    [[nodiscard]] trace::RunHeader header() const;
    void describe_fleet(trace::RunHeader& run) const;
    void describe_model(trace::RunHeader& run) const;
    [[nodiscard]] const Request& request(std::int64_t sequence) const {
        return requests_[static_cast<std::size_t>(sequence)];
    }

    Subject subject_;
    const scheduler::Blocks* blocks_;
    const config::Scenario* scenario_;
    std::vector<Request> requests_;
    MemoryWindow memory_;
    std::optional<scheduler::Placement> placement_;
    std::vector<scheduler::Move> moves_;
    std::int64_t batch_ = 1;
    std::int64_t epoch_ = -1;
    std::int64_t intervals_ = 0;             ///< committed
    std::map<std::int64_t, Text> texts_;     ///< of sequences that have not been recorded as ended
    scheduler::Problem question_;            ///< of the last decision
    std::optional<trace::Interval> current_; ///< since the last decision
    std::deque<Pending> closed_;
    bool begun_ = false; ///< the trace exists
};

} // namespace headroom::runtime
