// Two estimates of the time of a round (one turn of every sequence in flight), for searches that
// ask thousands of times. `predict_rounds` is more precise but slower: it walks every operation.
//
// bound() takes about as long as timing one step and generalises the formula of
// docs/explanation/ring-pipelines.md#steady-state. With G batches in flight, a round takes at least
// as long as each device computes for all batches, as each link or cap is occupied, and as one step
// of a batch takes, because a batch's next turn needs the ids that its last one sampled.
//
// simulate_round() executes segments (parts of a program that run without waiting) in the order of
// the turn schedule (turn_schedule.hpp), with messages that queue on their links, until rounds
// repeat. So it counts the time lost while a device waits for one turn although the inputs of
// another are there. Caps are not simulated, but the result is never below the bound, which counts
// them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/units.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/cost/incumbent.hpp"
#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {

/// Estimates the rounds of placements for one batch size.
class RoundModel {
  public:
    /// Builds the model for batches of `batch` turns. Keeps pointers into the problem.
    RoundModel(const Problem& problem, std::int64_t batch);
    /// Returns a model of one turn alone at the context of phase_offsets(), for use as the first
    /// argument of simulate_round_at_offsets().
    [[nodiscard]] static RoundModel alone(const Problem& problem);

    [[nodiscard]] std::int64_t batch() const { return batch_; }
    [[nodiscard]] const StepDelay& step() const { return step_; }

    /// The resource that determines the bound.
    enum class Limit : std::uint8_t { step, device, link };
    struct Estimate {
        double round = 0; ///< ns
        Limit limit = Limit::step;
        std::size_t device = 0; ///< the busiest device; for a link its sender
        std::size_t other = 0;  ///< for a link its receiver
        /// The sum over devices of (ns busy)²; of equal rounds, a search prefers the smaller sum.
        double unevenness = 0;
    };
    /// Returns the bound for a candidate. Precondition: the candidate is timed with step().
    [[nodiscard]] Estimate bound(const Draft& draft);
    /// Returns the simulated time in ns of a round of the candidate that was last passed to
    /// bound(), or the bound if it is larger. If one round has more than `max_steps` segments and
    /// messages, the result is the bound.
    [[nodiscard]] double simulate_round(const Estimate& bound, std::size_t max_steps);
    /// Returns the simulated time with segments ordered as in a run, by their offsets in the step
    /// of one turn alone; simulate_round() orders segments by their offsets in a step of this
    /// model's batch. There is no limit of steps. Precondition: alone.bound() was last called for
    /// the same placement.
    [[nodiscard]] double simulate_round_at_offsets(const RoundModel& alone, const Estimate& bound);
    /// Returns the number of segments and messages simulated so far.
    [[nodiscard]] std::int64_t work() const { return work_; }
    /// Returns for how many ns per round device d computes, by the last call of bound().
    [[nodiscard]] double busy(std::size_t d) const { return batches_ * device_states_[d].work; }

  private:
    RoundModel(const Problem& problem, StepDelay step, std::int64_t batch);

    /// What one device does in a step of one batch.
    struct DeviceState {
        double work = 0; ///< ns
        Bytes sent = 0;
        Bytes received = 0;
        bool has_segment = false; ///< a segment has begun and no receive has ended it
        std::size_t segment = 0;  ///< index of the latest segment
    };
    struct Segment {
        std::size_t device = 0;
        double work = 0;          ///< of one batch, ns
        double start = 0;         ///< offset in a step of one batch, ns
        std::size_t messages = 0; ///< number of messages that the segment sends
        std::size_t first = 0;    ///< index of the first of them in sorted_
    };
    struct Link {
        std::size_t from = 0;
        std::size_t to = 0;
        double busy = 0; ///< ns per batch
    };
    struct Message {
        std::size_t from = 0; ///< segment
        std::size_t to = 0;
        double offset = 0; ///< ns that the sending segment has computed before the send
        std::size_t link = 0;
        double busy = 0;
        double latency = 0;
    };
    /// A point in a device's program at which something is sent.
    struct ProgramPoint {
        std::size_t device = 0;
        std::size_t segment = 0;
        double offset = 0;
    };
    struct LinkTime {
        double busy = 0; ///< ns that the message occupies the link
        double time = 0; ///< ns until arrival on an empty link, latency included
        Bytes bytes = 0;
    };

    void end_segment(std::size_t d);
    void compute(std::size_t d, double work, double end);
    [[nodiscard]] ProgramPoint current_point(std::size_t d) const;
    void send(const ProgramPoint& from, std::size_t to, const LinkTime& time);
    void receive(std::size_t d);
    [[nodiscard]] LinkTime x(std::size_t from, std::size_t to) const;
    [[nodiscard]] LinkTime outputs(std::size_t from, std::size_t to, std::int32_t n) const;

    void build_step(const Draft& draft);
    double attention(const Draft& draft, std::size_t layer, double begin);
    void feed_forward(const Draft& draft, std::size_t layer, double begin);
    void finish(const Draft& draft);

    void sort_messages();
    void schedule_segments(const std::vector<Segment>& offsets, double step);
    [[nodiscard]] double simulate_rounds(double lower_bound);
    void simulate_visits(std::size_t round);

    const Snapshot* snapshot_;
    StepDelay step_;
    std::int64_t batch_;
    double batches_;
    std::size_t count_; ///< number of batches; the last one may be smaller
    double last_share_; ///< size of the last batch relative to the others
    bool ends_;
    double step_time_ = 0; ///< ns, by the last call of bound()
    std::int64_t work_ = 0;

    std::vector<DeviceState> device_states_;
    std::vector<std::uint32_t> link_numbers_; ///< [from][to]
    std::vector<Link> links_;                 ///< in use
    std::vector<Segment> segments_; ///< ordered so that every message goes to a later segment
    std::vector<Message> messages_;
    std::vector<std::size_t> unreceived_;    ///< [device]: head of the list of unreceived messages
    std::vector<std::size_t> next_message_;  ///< [message]: the next in the list of its device
    std::vector<std::size_t> group_devices_; ///< devices with groups of the present layer

    /// A segment that is executed at every visit, for the batch that began `lag` visits ago.
    struct Due {
        double at = 0; ///< time since the visit, in G-ths of a step
        std::size_t lag = 0;
        std::size_t segment = 0;
    };
    std::vector<Due> due_;        ///< in order of execution
    std::vector<Message> sorted_; ///< by sending segment
    std::vector<double> clocks_;
    std::vector<double> free_;    ///< [link]: when it is free
    std::vector<double> arrived_; ///< [batch][segment]: when all inputs have arrived
};

} // namespace headroom::scheduler
