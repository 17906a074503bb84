// Two estimates of the time of a round, in which every sequence in flight does one decode step.
// They are for searches that ask thousands of times. predict_rounds (timing/round_prediction.hpp)
// is more precise but slower, because it simulates every operation.
//
// bound() takes about as long as timing one step. The sequences form G batches. A round is never
// shorter than the time that a device computes for all G batches. Nor is it shorter than the time
// for which the messages of all G batches keep a link busy, or a cap (a limit on all that a device
// sends or receives). A round is also never shorter than a step of one batch, because the batch's
// next step needs the ids that this step samples. See
// docs/explanation/ring-pipelines.md#steady-state.
//
// simulate_round() simulates up to 12 rounds until two take equally long. Each device executes the
// segments of its program (parts that run without waiting) in a fixed order
// (timing/turn_schedule.hpp), and messages queue on their links. The result therefore includes the
// time that a device loses while it waits for one batch although it could compute for another. Caps
// are not simulated, but the result is never below the bound, which counts caps.
//
// Message overheads keep a device busy like computing. A message occupies its link for as long as
// it needs on the media of its ends, which it shares with the other messages of its phase
// (core/media.hpp). Messages of different batches do not share a medium, so all messages on a
// medium together are no bound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/units.hpp"
#include "scheduler/core/media.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/core/units.hpp"
#include "scheduler/cost/incumbent.hpp"
#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {

/// Estimates the round times of placements for one batch size.
class RoundModel {
  public:
    /// Builds the model for batches of `batch` sequences. Keeps pointers into the problem.
    RoundModel(const Problem& problem, std::int64_t batch);
    /// Returns the model that is the first argument of simulate_round_at_offsets(). It is the model
    /// of one sequence whose context is half of the longest that the model shape allows. A run
    /// orders its segments by a step at this context.
    [[nodiscard]] static RoundModel alone(const Problem& problem);

    [[nodiscard]] std::int64_t batch() const { return batch_; }
    [[nodiscard]] const StepDelay& step() const { return step_; }

    /// What determines the bound: the step of one batch, a device or its cap, or a link.
    enum class Limit : std::uint8_t { step, device, link };
    struct Estimate {
        double round = 0; ///< ns
        Limit limit = Limit::step;
        std::size_t device = 0; ///< the device that determines the bound, or the link's sender
        std::size_t other = 0;  ///< the link's receiver
        /// The sum of busy(d)² over the devices d. Of equal rounds, searches prefer a smaller sum.
        double unevenness = 0;
    };
    /// Returns the bound for a candidate. Precondition: the candidate's times come from step().
    [[nodiscard]] Estimate bound(const Incumbent& incumbent);
    /// Returns the simulated time, in ns, of a round of the candidate that was last passed to
    /// bound(); `bound` must be the result of that call. Returns the bound if it is larger, and
    /// also if a round has more than `max_steps` segments and messages.
    [[nodiscard]] double simulate_round(const Estimate& bound, std::size_t max_steps);
    /// Does the same without `max_steps`. A device executes its segments in the order of a real
    /// run: by their starts in a step of one sequence. simulate_round() orders segments by their
    /// starts in a step of a batch instead. Precondition: alone.bound() was last called for the
    /// same placement.
    [[nodiscard]] double simulate_round_at_offsets(const RoundModel& alone, const Estimate& bound);
    /// Returns the number of segments and messages simulated so far.
    [[nodiscard]] std::int64_t work() const { return work_; }
    /// Returns for how many ns per round device d computes and handles messages, for the candidate
    /// last passed to bound().
    [[nodiscard]] double busy(std::size_t d) const { return batches_ * device_states_[d].work; }

  private:
    RoundModel(const Problem& problem, StepDelay step, std::int64_t batch);

    /// What one device does in a step of one batch.
    struct DeviceState {
        double work = 0; ///< ns of computing and of handling messages
        Bytes sent = 0;
        Bytes received = 0;
        bool has_segment = false; ///< whether a segment is open; a receive ends it
        std::size_t segment = 0;  ///< index of the latest segment
    };
    struct Segment {
        std::size_t device = 0;
        double work = 0;          ///< ns of computing and sending for one batch
        double start = 0;         ///< when the work starts in a step of one batch, ns
        std::size_t messages = 0; ///< number of messages that the segment sends
        std::size_t first = 0;    ///< index in sorted_ of the first message that it sends
        double received = 0;      ///< ns of handling one batch's messages before the work
        double last_received = 0; ///< the part of it that follows the last arrival
    };
    struct Link {
        std::size_t from = 0;
        std::size_t to = 0;
        double busy = 0; ///< ns for which the messages of one batch occupy the link
    };
    struct Message {
        std::size_t from = 0; ///< index of the sending segment
        std::size_t to = 0;   ///< index of the receiving segment
        double offset = 0;    ///< ns that the sending segment has worked before the send
        std::size_t link = 0;
        double busy = 0;
        double latency = 0;
    };
    /// A point in a device's program at which the device sends a message.
    struct ProgramPoint {
        std::size_t device = 0;
        std::size_t segment = 0;
        double offset = 0;
    };
    struct LinkTime {
        double busy = 0; ///< ns that the message occupies the link
        double time = 0; ///< ns from its begin to its arrival on an empty link, with latency
        Bytes bytes = 0;
    };

    void end_segment(std::size_t d);
    void compute(std::size_t d, double work, double end);
    [[nodiscard]] ProgramPoint current_point(std::size_t d) const;
    void send(ProgramPoint& from, std::size_t to, const LinkTime& time);
    void send_from(std::size_t d, std::size_t to, const LinkTime& time);
    void receive(std::size_t d);
    [[nodiscard]] double overhead(std::size_t d) const {
        return static_cast<double>(message_overhead(*snapshot_, d));
    }
    [[nodiscard]] LinkTime x(std::size_t from, std::size_t to) const;
    [[nodiscard]] LinkTime id(std::size_t from, std::size_t to) const;
    [[nodiscard]] LinkTime outputs(std::size_t from, std::size_t to, std::int32_t n) const;
    [[nodiscard]] LinkTime shared(
        LinkTime time, std::size_t from, std::size_t to, const PhaseShares& phase
    ) const;

    /// The inputs and the outputs of the units of one kind in a layer.
    struct UnitPhases {
        PhaseShares inputs;
        PhaseShares outputs;
    };
    [[nodiscard]] UnitPhases phases(
        const Incumbent& incumbent, Unit unit, std::size_t layer, std::size_t activation_device
    ) const;

    void build_step(const Incumbent& incumbent);
    double attention(const Incumbent& incumbent, std::size_t layer, double begin);
    void exchange(const Incumbent& incumbent, std::size_t layer, double begin);
    [[nodiscard]] LinkTime sums(std::size_t from, std::size_t to, std::int32_t n) const;
    void feed_forward(const Incumbent& incumbent, std::size_t layer, double begin);
    void finish(const Incumbent& incumbent);

    void sort_messages();
    void schedule_segments(const std::vector<Segment>& offsets, double step);
    [[nodiscard]] double simulate_rounds(double lower_bound);
    void simulate_visits(std::size_t round);

    const Snapshot* snapshot_;
    MediumOf medium_of_;
    StepDelay step_;
    std::int64_t batch_;
    double batches_;
    std::size_t count_; ///< number of batches; the last one may be smaller
    double last_share_; ///< size of the last batch / size of the others
    bool ends_;
    double step_time_ = 0; ///< ns that a step of one batch takes, set by bound()
    std::int64_t work_ = 0;

    std::vector<DeviceState> device_states_;
    std::vector<std::uint32_t> link_numbers_; ///< [from][to]: index in links_
    std::vector<Link> links_;                 ///< the links that carry messages
    std::vector<Segment> segments_; ///< in an order in which each message goes to a later segment
    std::vector<Message> messages_;
    std::vector<std::size_t> unreceived_;    ///< [device]: head of the list of unreceived messages
    std::vector<std::size_t> next_message_;  ///< [message]: the next in the list of its device
    std::vector<std::size_t> group_devices_; ///< devices with groups of the layer being added

    /// A segment that its device executes after every visit. At a visit the source begins the next
    /// step of one batch; there are G visits per step.
    struct Due {
        /// The time from the visit to the start of the segment; the unit is step time / G.
        double at = 0;
        std::size_t lag = 0; ///< the segment is for the batch that began this many visits ago
        std::size_t segment = 0;
    };
    std::vector<Due> due_;        ///< in order of execution
    std::vector<Message> sorted_; ///< messages_, sorted by sending segment
    std::vector<double> clocks_;  ///< [device]: when the device has executed its last segment
    std::vector<double> free_;    ///< [link]: when the link is free again
    std::vector<double> arrived_; ///< [batch][segment]: when all inputs of the segment are there
};

} // namespace headroom::scheduler
