// What the source does, turn after turn: which request gets which slot, what begins next, when a
// decision is due. A session executes it (session.cpp), a simulation walks it (simulate.cpp); the
// course is the same. Source: docs/explanation/time.md#several-sequences and
// docs/explanation/time.md#decisions.
//
//     visit slot:  end its turn under way -> decide, if a round is over -> admit -> begin its next
//
// Slots are visited in a fixed cycle, as many at once as turns are joined. Joined are the turns
// that decode; what takes in a prompt stays by itself: it has many tokens for each pass over the
// weights anyhow, and joined prompts would overlap with nothing. Nothing here knows weights,
// transports or text.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "runtime/device/control_messages.hpp"
#include "runtime/memory/holdings.hpp"
#include "runtime/setup/requests.hpp"
#include "scheduler/core/fleet.hpp"
#include "scheduler/timing/turn_schedule.hpp"

namespace headroom::runtime {

/// Where a course takes place.
class Stage {
  public:
    virtual ~Stage() = default;
    [[nodiscard]] virtual Nanoseconds clock() const = 0; ///< the source's
    /// False: an interrupt came first.
    [[nodiscard]] virtual bool idle_until(Nanoseconds time) = 0;
    /// Has the source a last segment of its own, so that a turn goes on until the next visit?
    [[nodiscard]] virtual bool has_end() const = 0;
    /// A visit: these turns begin, none if it is empty; all that are under way advance. Those of
    /// one batch stand together.
    virtual void visit(const std::vector<StartedTurn>& turns) = 0;
    /// Executes that segment, if there is one. One token per turn, void where none is sampled.
    [[nodiscard]] virtual std::vector<SampledToken> end(const std::vector<Turn>& batch) = 0;
    virtual void sequence_begins(std::int64_t sequence) = 0;
    virtual void sequence_ends(std::int64_t sequence) = 0;
    /// The caches of an ended sequence are given back.
    virtual void free_slot(std::int32_t slot) = 0;
    [[nodiscard]] virtual Command decide(const SourceFacts& facts) = 0;
    virtual void install(const Installation& installation) = 0;
    virtual void finish(std::int32_t exit_code) = 0;
    [[nodiscard]] virtual std::int32_t interrupted() const = 0; ///< exit code asked for, or 0
    [[nodiscard]] virtual Nanoseconds elapsed_wall() const = 0;
};

struct CourseSettings {
    std::vector<Request> requests;   ///< by sequence; arrivals never fall
    std::vector<std::int64_t> queue; ///< sequences in the order in which they are given slots
    std::int64_t slots = 1;
    std::int64_t longest_turn = 1; ///< tokens that a turn takes in at most
    std::int64_t interval = 1;     ///< λ
    const scheduler::Fleet* fleet = nullptr;
    const ResumePoint* resume = nullptr; ///< null: from the start
};

/// Of a whole scenario: all requests that are not over, from the start or from where it goes on.
[[nodiscard]] CourseSettings course_settings(
    const config::Scenario& scenario,
    const std::vector<std::vector<std::int32_t>>& prompts,
    const ResumePoint* resume
);

class Course {
  public:
    Course(CourseSettings settings, Holdings holdings, Stage& stage);

    /// From the first placement to the end. Returns the exit code.
    std::int32_t run();

  private:
    struct Slot {
        std::int64_t sequence = -1; ///< −1: empty
        std::int64_t rows = 0;
        std::int64_t sampled = 0;
        std::int32_t last_id = -1;
        Nanoseconds begin = 0;
        [[nodiscard]] bool empty() const { return sequence < 0; }
    };
    /// Of one group of slots, from the visit where they began to the one where they end.
    struct UnderWay {
        std::vector<std::vector<Turn>> batches;
        Nanoseconds start = 0;
    };
    struct Round {
        std::int64_t number = 0;
        std::int64_t unfinished = 0; ///< turns
        bool sampled = false;
    };

    void visit();
    void begin_afresh();
    void end_turns(std::size_t group);
    void take(const Turn& turn, const SampledToken& token, Nanoseconds start);
    void end_sequence(std::int32_t slot, bool cut);
    void free_caches();
    void admit(std::size_t group, Nanoseconds now);
    [[nodiscard]] bool has_taken_in(const Slot& slot) const {
        return slot.rows >= request(slot.sequence).taken_in_tokens();
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
    void stop(Stop how);
    void carry_out(const Command& command);
    [[nodiscard]] SourceFacts facts();
    void describe_flights(SourceFacts& facts) const;
    [[nodiscard]] bool nothing_in_flight() const;
    [[nodiscard]] bool nothing_under_way() const;
    [[nodiscard]] bool all_done() const {
        return next_ == settings_.queue.size() && nothing_in_flight();
    }
    [[nodiscard]] std::int32_t first_slot(std::size_t group) const;
    [[nodiscard]] std::int32_t last_slot(std::size_t group) const; ///< one past it
    [[nodiscard]] std::size_t groups() const;
    [[nodiscard]] const Request& request(std::int64_t sequence) const {
        return settings_.requests[static_cast<std::size_t>(sequence)];
    }
    /// The one that is given a slot next, or after so many others.
    [[nodiscard]] const Request& queued(std::size_t place) const {
        return request(settings_.queue[place]);
    }
    [[nodiscard]] std::size_t arrived() const; ///< of the queue, those that have come

    CourseSettings settings_;
    Holdings holdings_;
    Stage* stage_;
    std::vector<Slot> slots_;
    std::vector<std::optional<UnderWay>> under_way_; ///< per group
    std::vector<std::int32_t> emptied_;              ///< slots whose caches are still there
    std::size_t next_ = 0;                           ///< place in the queue
    std::size_t cursor_ = 0;                         ///< group to visit
    std::int64_t batch_ = 1;
    std::int64_t visit_ = 0; ///< counted over the run
    std::int64_t round_ = 0;
    std::deque<Round> rounds_;     ///< not over, or not counted yet
    std::int64_t rounds_done_ = 0; ///< since the last decision
    std::int64_t turns_ = 0;
    std::int64_t sampled_ = 0;
    std::int64_t seen_ = 0;       ///< tokens that the last begun turn saw
    std::int64_t told_wait_ = -1; ///< request whose wait has been told
    bool fresh_ = false;          ///< nothing has begun since the last decision
    Nanoseconds decided_at_ = 0;
    Nanoseconds last_end_ = 0; ///< when the last token was sampled
    std::int64_t epoch_ = -1;
    bool finished_ = false;
    std::int32_t exit_code_ = 0;
    SourceFacts facts_; ///< being filled
};

} // namespace headroom::runtime
