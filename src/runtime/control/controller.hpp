// The controller. Once per interval (λ rounds, each a forward pass of every sequence) it takes a
// snapshot (the rates, latencies and memory of the fleet), calls the policy, checks the decision
// and makes a command for the devices from the decision. It also records what happened in the
// interval as rows of the trace. It knows neither transport nor weights: its inputs come from
// devices in a run (controller_host.hpp) and from the timeline in a simulation (simulation.hpp), so
// that run and simulation leave the same trace.
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

/// The inputs and outputs of a controller. What the pointers point to must outlive the controller.
struct ControllerContext {
    const config::Scenario* scenario = nullptr;
    const scheduler::Blocks* blocks = nullptr;
    const scheduler::Policy* policy = nullptr;
    /// Token ids of the distinct prompts, none empty; all -1 if only the lengths are known.
    const std::vector<std::vector<std::int32_t>>* prompts = nullptr;
    scheduler::TurnSizes turn_sizes;             ///< sizes that determine the buffers
    const ResumePoint* resume = nullptr;         ///< null: the run starts from the beginning
    const model::Tokenizer* tokenizer = nullptr; ///< null: requests have no text
    /// Attributes for the trace; the controller adds further ones.
    std::map<std::string, std::string> attributes{};
    bool trace_ops = false;       ///< the trace has tables of operations and messages
    StopCheck stop = nullptr;     ///< as in RunOptions
    trace::Sink* sink = nullptr;  ///< may be null
    Observer* observer = nullptr; ///< may be null
};

/// Returns a context with copies from `options`. Members that `options` lacks are not set.
[[nodiscard]] ControllerContext context_of(const RunOptions& options);

/// The payload of a link in an interval, migrations included. An unused link has no LinkUse.
struct LinkUse {
    DeviceId from;
    DeviceId to;
    Bytes bytes = 0;
};

/// The memory and computing time that one device used in an interval.
struct DeviceUse {
    Bytes held = 0;          ///< bytes held at the end
    Bytes peak = 0;          ///< most bytes held within the interval, migration included
    Bytes paged = 0;         ///< bytes read from storage because of overload
    Bytes process_bytes = 0; ///< resident memory of the rank's process; 0 in a simulation
    Nanoseconds busy = 0;    ///< time spent in operations
    std::vector<OverloadRecord> overloads;
};

/// What the devices did between two decisions.
struct DeviceFacts {
    std::vector<DeviceUse> devices;                 ///< one per device
    std::vector<LinkUse> links;                     ///< ordered by sender, then receiver
    std::vector<scheduler::OpRecord> ops;           ///< operations of each device in program order
    std::vector<scheduler::MessageRecord> messages; ///< messages of each device in program order
};

/// Returns the policy's input for these requests; the caller adds snapshot, previous placement and
/// its number (epoch). If one of several requests has no slot yet, the problem asks for memory for
/// all at full length, so that this request gets a slot only if all can run to their ends.
/// requests: not empty.
[[nodiscard]] scheduler::Problem problem_of(
    const config::Scenario& scenario,
    const scheduler::Blocks& blocks,
    const scheduler::TurnSizes& sizes,
    std::span<const InFlightRequest> requests
);

/// A problem and a policy's decision for this problem.
struct Answer {
    scheduler::Problem problem;
    scheduler::Decision decision;
};

/// Tries `most` requests, then one fewer each time, and returns the first feasible decision, or
/// that for `least` requests. problem_for: returns the problem for a given number of requests.
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
    /// last decision. Does nothing before the first decision.
    void close_interval(const SourceFacts& facts);
    /// Decides and returns the command that carries the decision out, or a command to finish if
    /// facts.stop is not `none`. The first decision begins the trace. Throws InfeasibleError if no
    /// placement is found and there is no previous one.
    Command next_command(const SourceFacts& facts);
    /// Records a migration and returns t_resume, the time at which turns may begin again. t_switch:
    /// the start of the transfers. earliest: a lower bound of t_resume, the latest of all devices'
    /// clocks. arrived: all blocks that moved, in block order.
    Nanoseconds resume_after(
        Nanoseconds t_switch, Nanoseconds earliest, const std::vector<ArrivedBlock>& arrived
    );
    /// Returns whether an interval has ended on the source but still lacks reports of devices.
    [[nodiscard]] bool has_closed_interval() const { return !closed_.empty(); }
    /// Adds what the devices did in the oldest closed interval, and commits it to the trace.
    void complete_interval(const DeviceFacts& facts);
    /// Ends the trace, if it has begun, and records how the run ended, as told by `exit_code`.
    void end_trace(int exit_code);

    [[nodiscard]] const std::vector<Request>& requests() const { return requests_; }
    /// Returns the moves of the last decision, in block order.
    [[nodiscard]] const std::vector<scheduler::Move>& moves() const { return moves_; }

  private:
    /// An interval that has ended on the source and waits for the reports of the devices.
    struct ClosedInterval {
        trace::Interval interval;
        scheduler::Snapshot snapshot; ///< the snapshot of the interval's decision
    };
    /// The tokens of a sequence that has begun.
    struct SequenceText {
        std::vector<std::int32_t> ids; ///< sampled tokens
        Nanoseconds first_token = 0;   ///< when the first token was sampled
        bool prompt_recorded = false;  ///< the trace contains the prompt's tokens
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
    /// Returns the placement that stays if the decision is infeasible: the present one, or the last
    /// one of the trace if the run is resumed. Returns nothing at the start of a run.
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
    std::map<std::int64_t, SequenceText> texts_; ///< of sequences not yet recorded as ended
    scheduler::Problem problem_;                 ///< the problem of the last decision
    std::optional<trace::Interval> current_;     ///< the interval since the last decision
    std::deque<ClosedInterval> closed_;
    bool begun_ = false; ///< the trace has begun
};

} // namespace headroom::runtime
