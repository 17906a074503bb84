// The controller. Once per interval (λ rounds, each a forward pass of every sequence) it takes a
// snapshot (the rates, latencies and memory of the fleet), calls the policy, checks the decision
// and turns the decision into a command for the devices. It also records what happened in the
// interval as rows of the trace. The controller knows neither transport nor weights. Its inputs
// come from the devices in a run (controller_host.hpp), and from computed times in a simulation
// (offline/simulation.hpp). So a run and its simulation leave the same trace.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
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

class RecordedDecisions;

/// What a controller reads and writes. The objects pointed to must outlive the controller.
struct ControllerContext {
    const config::Scenario* scenario = nullptr;
    const scheduler::Blocks* blocks = nullptr;
    const scheduler::Policy* policy = nullptr;
    /// Decisions to take instead of asking the policy; null: the policy is asked.
    RecordedDecisions* recorded = nullptr;
    /// The distinct prompts, at least one, as token ids. If only the length of a prompt is known,
    /// all its ids are -1.
    const std::vector<std::vector<std::int32_t>>* prompts = nullptr;
    scheduler::TurnSizes turn_sizes;             ///< limits on which the buffers' sizes depend
    const ResumePoint* resume = nullptr;         ///< null: the run starts from the beginning
    const model::Tokenizer* tokenizer = nullptr; ///< null: requests have no text
    /// Attributes of the trace. The controller adds further ones.
    std::map<std::string, std::string> attributes{};
    /// The rules of time (trace::kSemantics), for the trace; those of `resume` if it is not null.
    std::int64_t semantics = trace::kPresentSemantics;
    bool trace_ops = false;       ///< whether to record each operation and message
    StopCheck stop = nullptr;     ///< called in long searches, to stop them
    trace::Sink* sink = nullptr;  ///< may be null
    Observer* observer = nullptr; ///< may be null
};

/// Returns a context with scenario, policy, attributes, trace_ops, stop, sink and observer of
/// `options`. The caller must set the other members.
[[nodiscard]] ControllerContext context_of(const RunOptions& options);

/// The payload bytes that one device sent to another in an interval, migrations included. A pair of
/// devices without such bytes has no LinkUse.
struct LinkUse {
    DeviceId from;
    DeviceId to;
    Bytes bytes = 0;
};

/// The memory and computing time that one device used in an interval.
struct DeviceUse {
    Bytes held = 0;          ///< bytes held at the end of the interval
    Bytes peak = 0;          ///< most bytes held at any time in the interval, migration included
    Bytes paged = 0;         ///< bytes read from storage because memory was over budget
    Bytes process_bytes = 0; ///< resident memory of the rank's process; 0 in a simulation
    Nanoseconds busy = 0;    ///< virtual time spent in operations
    std::vector<OverloadRecord> overloads;
};

/// What the devices did between two decisions.
struct DeviceFacts {
    std::vector<DeviceUse> devices;                 ///< one per device
    std::vector<LinkUse> links;                     ///< ordered by sender, then receiver
    std::vector<scheduler::OpRecord> ops;           ///< operations, by device, in program order
    std::vector<scheduler::MessageRecord> messages; ///< received, by device, in program order
};

/// Returns the policy's input for these requests. The caller adds what depends on the moment of the
/// decision, such as the snapshot and the previous placement. If there are several requests and one
/// of them has no slot yet, the problem asks for the memory that the caches need when every request
/// has sampled all its tokens. So the new request gets a slot only if all requests can run to their
/// ends. requests: not empty.
[[nodiscard]] scheduler::Problem problem_of(
    const config::Scenario& scenario,
    const scheduler::Blocks& blocks,
    const scheduler::TurnSizes& sizes,
    std::span<const InFlightRequest> requests
);

struct Answer {
    scheduler::Problem problem;
    scheduler::Decision decision;
};

/// Asks the policy for a placement for `most` requests, then for one request fewer each time. Stops
/// at the first feasible decision, at the latest with the decision for `least` requests. Skips
/// numbers above `least` for which the memory of the whole fleet is too small. Returns the last
/// decision with its problem. problem_for: returns the problem for a given number of requests.
[[nodiscard]] Answer decide_for_most(
    const scheduler::Policy& policy,
    std::size_t most,
    std::size_t least,
    const std::function<scheduler::Problem(std::size_t)>& problem_for
);

/// Throws Bug if the policy calls its placement feasible but validate() finds a mistake in it.
void check_valid(const scheduler::Policy& policy, const Answer& answer);

class Controller {
  public:
    explicit Controller(ControllerContext context);

    /// Records what the source (the device where prompts come in) reports on the interval since the
    /// last decision. Does nothing if there has been no decision.
    void close_interval(const SourceFacts& facts);
    /// Makes a decision and returns the command that tells the devices what to do. If facts.stop is
    /// not `none`, there is no decision, and the command ends the run. The first decision begins
    /// the trace. Throws InfeasibleError if the policy finds no placement and none is in force.
    Command next_command(const SourceFacts& facts);
    /// Records a migration and returns t_resume, the time at which devices may compute again.
    /// t_switch: the start of the transfers. earliest: the latest of all devices' clocks; t_resume
    /// is not before it. arrived: all blocks that moved, in block order.
    Nanoseconds resume_after(
        Nanoseconds t_switch, Nanoseconds earliest, const std::vector<ArrivedBlock>& arrived
    );
    /// Returns whether there is a closed interval for which reports of devices are still missing.
    [[nodiscard]] bool has_closed_interval() const { return !closed_.empty(); }
    /// Adds the devices' facts to the oldest closed interval and commits it to the trace.
    void complete_interval(const DeviceFacts& facts);
    /// Ends the trace, if it has begun, and records in it how the run ended (by `exit_code`).
    void end_trace(int exit_code);

    [[nodiscard]] const std::vector<Request>& requests() const { return requests_; }
    /// Returns the moves of the last decision, in block order.
    [[nodiscard]] const std::vector<scheduler::Move>& moves() const { return moves_; }

  private:
    /// An interval that close_interval() has ended and that waits for the reports of the devices.
    struct ClosedInterval {
        trace::Interval interval;
        scheduler::Snapshot snapshot; ///< the snapshot of the interval's decision
    };
    /// The tokens of a sequence that has begun.
    struct SequenceText {
        std::vector<std::int32_t> ids; ///< sampled tokens
        Nanoseconds first_token = 0;   ///< when the first token was sampled
        bool prompt_recorded = false;  ///< whether the trace has the prompt's tokens
    };

    void begin_trace();
    Command decide(const SourceFacts& facts);
    Answer ask_policy(const SourceFacts& facts);
    [[nodiscard]] scheduler::Problem make_problem(
        const SourceFacts& facts, std::span<const InFlightRequest> requests
    );
    [[nodiscard]] std::int64_t batch_after(
        const scheduler::Decision& decision, const scheduler::Placement& placement
    ) const;
    /// Returns the placement that stays if the decision is infeasible: the present one or, when a
    /// run is resumed, the last one of its trace. Returns nothing at the start of a new run.
    [[nodiscard]] std::optional<scheduler::Placement> fallback_placement() const;
    void record_decision(
        const SourceFacts& facts,
        const scheduler::Decision& decision,
        const Command& command,
        Nanoseconds decision_wall
    );
    void notify_observer(const scheduler::Decision& decision) const;
    void record_source(const SourceFacts& facts);
    void record_turns(const SourceFacts& facts);
    void record_tokens(const SourceFacts& facts);
    void record_prompt(std::int64_t sequence);
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

    ControllerContext context_;
    const scheduler::Blocks* blocks_;
    const config::Scenario* scenario_;
    std::vector<Request> requests_;
    MemoryWindow memory_;
    std::optional<scheduler::Placement> placement_;
    std::vector<scheduler::Move> moves_;
    std::int64_t batch_ = 1;
    std::int64_t epoch_ = -1;
    std::int64_t intervals_ = 0;                 ///< number of committed intervals
    std::map<std::int64_t, SequenceText> texts_; ///< of sequences whose end is not recorded yet
    scheduler::Problem problem_;                 ///< the problem of the last decision
    std::optional<trace::Interval> current_;     ///< the interval since the last decision
    std::deque<ClosedInterval> closed_;
    bool begun_ = false; ///< whether the trace has begun
};

} // namespace headroom::runtime
