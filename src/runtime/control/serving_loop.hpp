// The serving loop of the source, the device where prompts come in. The loop decides which request
// gets which slot (the place of one sequence in flight), which turns (forward passes of one
// sequence) begin next, and when the policy must decide again. An ExecutionBackend carries out the
// turns: on real devices in a run (session.cpp), by computing their times in a simulation
// (simulation.hpp). The loop knows no weights, transports or texts. See docs/explanation/time.md.
//
// The slots are divided into groups, which the source visits in a fixed cycle:
//
//     one visit: end the group's turns -> decide, if an interval is over -> admit requests
//                -> begin the group's next turns
//
// The decode turns of a group form a batch, so that the weights are read once for all of them. A
// prefill turn is a batch of its own.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "runtime/device/control_messages.hpp"
#include "runtime/memory/memory_model.hpp"
#include "runtime/setup/requests.hpp"
#include "scheduler/core/fleet.hpp"

namespace headroom::runtime {

class ExecutionBackend {
  public:
    virtual ~ExecutionBackend() = default;
    /// Returns the virtual clock of the source.
    [[nodiscard]] virtual Nanoseconds clock() const = 0;
    /// Waits until the source's clock is at least `time`. Returns false if a signal ended the wait.
    [[nodiscard]] virtual bool idle_until(Nanoseconds time) = 0;
    /// Returns whether the source waits for other devices within a turn. If so, visit() leaves out
    /// the last part of the source's program (its instructions for one turn), and end() executes it
    /// at the source's next visit to the group of slots. If not, visit() executes the whole turn,
    /// and the turn also ends at that visit.
    [[nodiscard]] virtual bool has_end() const = 0;
    /// Begins these turns and continues all turns that have begun and not ended. `turns` may be
    /// empty; turns of one batch are adjacent.
    virtual void visit(const std::vector<StartedTurn>& turns) = 0;
    /// Ends the turns of a batch. If has_end(), this executes the last part of the source's
    /// program; otherwise visit() has executed all of it. Returns one token per turn; its id is -1
    /// if the turn does not sample.
    [[nodiscard]] virtual std::vector<SampledToken> end(const std::vector<Turn>& batch) = 0;
    virtual void sequence_begins(std::int64_t sequence) = 0;
    virtual void sequence_ends(std::int64_t sequence) = 0;
    /// Frees the caches of a slot after the end of its sequence.
    virtual void free_slot(std::int32_t slot) = 0;
    /// Sends the facts to the controller and returns its next command.
    [[nodiscard]] virtual Command decide(const SourceFacts& facts) = 0;
    virtual void install(const Installation& installation) = 0;
    virtual void finish(std::int32_t exit_code) = 0;
    /// Returns the exit code that a signal asks for, or 0.
    [[nodiscard]] virtual std::int32_t interrupted() const = 0;
    /// Returns the wall time since the virtual clock started; 0 in a simulation.
    [[nodiscard]] virtual Nanoseconds elapsed_wall() const = 0;
};

struct ServingSettings {
    std::vector<Request> requests;   ///< one per sequence, ordered by arrival
    std::vector<std::int64_t> queue; ///< sequences in the order in which they get slots
    std::int64_t slots = 1;
    std::int64_t longest_turn = 1; ///< largest number of tokens that a turn processes
    std::int64_t interval = 1;     ///< λ, the number of rounds between decisions
    const scheduler::Fleet* fleet = nullptr;
    const ResumePoint* resume = nullptr;               ///< null: the run starts from the beginning
    std::int64_t semantics = trace::kPresentSemantics; ///< the rules of time (trace::kSemantics)
};

/// Returns the settings for all requests of the scenario that have not ended. prompts: the distinct
/// prompts, which must outlive the settings.
[[nodiscard]] ServingSettings serving_settings(
    const config::Scenario& scenario,
    const std::vector<std::vector<std::int32_t>>& prompts,
    const ResumePoint* resume
);

class ServingLoop {
  public:
    ServingLoop(ServingSettings settings, MemoryModel memory_model, ExecutionBackend& backend);

    /// Runs from the first decision until all requests have ended, a signal comes, or the
    /// controller ends the run. Returns the exit code.
    std::int32_t run();

  private:
    struct Slot {
        std::int64_t sequence = -1; ///< −1: the slot is empty
        std::int64_t rows = 0;      ///< rows in the slot's caches
        std::int64_t sampled = 0;   ///< tokens of the sequence sampled so far
        std::int32_t last_id = -1;  ///< id of the last sampled token
        /// When the sequence got a slot. In a resumed run a sequence can get a slot for the second
        /// time; then `begin` is still the time at which it got its first slot.
        Nanoseconds begin = 0;
        [[nodiscard]] bool empty() const { return sequence < 0; }
    };
    /// The turns of one group of slots that have begun and not ended.
    struct TurnsUnderWay {
        std::vector<std::vector<Turn>> batches;
        Nanoseconds start = 0;
    };
    /// One turn of every sequence in flight.
    struct Round {
        std::int64_t number = 0;
        std::int64_t unfinished = 0; ///< turns of the round that have not ended
        bool sampled = false;        ///< a turn of the round has sampled a token
    };

    void visit();
    void start_from_idle();
    void end_turns(std::size_t group);
    void complete_turn(const Turn& turn, const SampledToken& token, Nanoseconds start);
    void end_sequence(std::int32_t slot, bool cut_off);
    void free_caches();
    void admit(std::size_t group, Nanoseconds now);
    [[nodiscard]] bool is_prefilled(const Slot& slot) const {
        return slot.rows >= request(slot.sequence).prefill_tokens();
    }
    [[nodiscard]] bool has_room(const Request& request);
    void begin(std::size_t group);
    [[nodiscard]] std::vector<StartedTurn> next_turns(std::size_t group);
    [[nodiscard]] StartedTurn next_turn(std::int32_t slot);
    void advance();
    void drain();
    void count_round(const Turn& turn);
    [[nodiscard]] bool decision_due();
    void decide();
    void stop(StopReason how);
    void execute(const Command& command);
    [[nodiscard]] SourceFacts facts();
    void list_requests(SourceFacts& facts) const;
    /// Returns up to which token a decision that is made now sees events.
    [[nodiscard]] std::int64_t seen_by_decision() const {
        return settings_.semantics == trace::kFirstSemantics ? tokens_seen_ : sampled_;
    }
    [[nodiscard]] bool nothing_in_flight() const;
    [[nodiscard]] bool nothing_under_way() const;
    [[nodiscard]] bool all_done() const {
        return queue_position_ == settings_.queue.size() && nothing_in_flight();
    }
    [[nodiscard]] std::int32_t first_slot(std::size_t group) const;
    [[nodiscard]] std::int32_t end_slot(std::size_t group) const; ///< one past the last slot
    [[nodiscard]] std::size_t groups() const;
    [[nodiscard]] const Request& request(std::int64_t sequence) const {
        return settings_.requests[static_cast<std::size_t>(sequence)];
    }
    [[nodiscard]] const Request& queued(std::size_t position) const {
        return request(settings_.queue[position]);
    }
    /// Returns how many requests of the queue have arrived by now. Requests that have got a slot
    /// count, too.
    [[nodiscard]] std::size_t arrived() const;

    ServingSettings settings_;
    MemoryModel memory_model_;
    ExecutionBackend* backend_;
    std::vector<Slot> slots_;
    std::vector<std::optional<TurnsUnderWay>> under_way_; ///< per group of slots
    std::vector<std::int32_t> emptied_; ///< empty slots whose caches are not freed yet
    std::size_t queue_position_ = 0;    ///< queue index of the request that gets the next slot
    std::size_t group_to_visit_ = 0;
    std::int64_t batch_ = 1;
    std::int64_t visit_ = 0;           ///< number of the next visit
    std::int64_t round_ = 0;           ///< number of the present round
    std::deque<Round> rounds_;         ///< rounds that have begun and are not counted as ended
    std::int64_t rounds_done_ = 0;     ///< rounds that ended since the last decision
    std::int64_t turns_ = 0;           ///< number of the next turn
    std::int64_t sampled_ = 0;         ///< tokens sampled in the run
    std::int64_t tokens_seen_ = 0;     ///< the value of sampled_ when the last turn began
    std::int64_t reported_wait_ = -1;  ///< the last request reported as waiting; -1: none
    bool idle_since_decision_ = false; ///< no turn has begun since the last decision
    Nanoseconds decided_at_ = 0;
    std::int64_t seen_at_decision_ = 0; ///< seen_by_decision() of the last decision
    Nanoseconds last_end_ = 0;          ///< when the last token was sampled
    std::int64_t epoch_ = -1;
    bool finished_ = false;
    std::int32_t exit_code_ = 0;
    SourceFacts facts_; ///< collected since the last decision
};

} // namespace headroom::runtime
