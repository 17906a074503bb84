// How long a round of all sequences in flight takes, estimated for searches that ask thousands of
// times; `predict_rounds` walks every operation. Two estimates, both ours.
//
// The bound, at about the price of one step, generalises
// docs/explanation/ring-pipelines.md#steady-state. With G batches in flight a round takes at least
// what a device computes for all of them, what a link or a cap carries, and one step of a batch,
// because its next turn waits for the id of the one before.
//
// The rehearsal walks visits of the source with whole segments of programs in the order of the
// agenda (turn_schedule.hpp), messages queueing on their links, until rounds repeat: so it shows
// what is lost because a device waits for one turn while another one's inputs are there. It knows
// no caps; theirs are in the bound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/units.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/cost/incumbent.hpp"
#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {

class RoundModel {
  public:
    /// Batches of so many turns. Keeps pointers to the problem's blocks and snapshot.
    RoundModel(const Problem& problem, std::int64_t batch);
    /// One turn alone, at the context by which agendas are made: only for its places.
    [[nodiscard]] static RoundModel alone(const Problem& problem);

    [[nodiscard]] std::int64_t batch() const { return batch_; }
    [[nodiscard]] const StepDelay& step() const { return step_; }

    /// What decides the bound.
    enum class Limit : std::uint8_t { step, device, link };
    struct Estimate {
        double round = 0; ///< ns
        Limit limit = Limit::step;
        std::size_t device = 0; ///< the one that is busy or waits; of a link its sender
        std::size_t other = 0;  ///< of a link the receiver
        /// Σ over devices of (ns busy)²: of equal rounds the evener one leaves more to gain.
        double unevenness = 0;
    };
    /// Precondition of both: the draft counts with `step()`.
    [[nodiscard]] Estimate bound(const Draft& draft);
    /// Of the draft that `bound` was asked about last: the round in ns, not below that. Where a
    /// round has more steps than that, the bound.
    [[nodiscard]] double rehearse(const Estimate& bound, std::size_t most_steps);
    /// The same, with segments in the places of an agenda: those of the same placement in a step by
    /// itself, which `alone` has been asked to bound. Without that they are those of this step.
    [[nodiscard]] double rehearse_by(const RoundModel& alone, const Estimate& bound);
    /// Steps of rehearsals so far.
    [[nodiscard]] std::int64_t work() const { return work_; }
    /// ns that a device computes per round, by the last `bound`.
    [[nodiscard]] double busy(std::size_t d) const { return batches_ * stations_[d].work; }

  private:
    RoundModel(const Problem& problem, StepDelay step, std::int64_t batch);

    struct Station {
        double work = 0; ///< of one batch, ns
        Bytes sent = 0;
        Bytes received = 0;
        bool open = false;
        std::size_t segment = 0; ///< the last one that was opened
    };
    struct Segment {
        std::size_t device = 0;
        double work = 0;       ///< of one batch, ns
        double place = 0;      ///< when it begins in a step of one batch
        std::size_t mails = 0; ///< how many it sends
        std::size_t first = 0; ///< of them in sorted_
    };
    struct Link {
        std::size_t from = 0;
        std::size_t to = 0;
        double busy = 0; ///< of one batch, ns
    };
    struct Mail {
        std::size_t from = 0; ///< segment
        std::size_t to = 0;
        double offset = 0; ///< what the sender has computed of the segment before
        std::size_t link = 0;
        double busy = 0;
        double latency = 0;
    };
    /// A place in a device's program from which something is sent.
    struct Place {
        std::size_t device = 0;
        std::size_t segment = 0;
        double offset = 0;
    };
    struct Parcel {
        double busy = 0; ///< occupies the link
        double time = 0; ///< with nothing before it, latency included
        Bytes bytes = 0;
    };

    void wait(std::size_t d);
    void compute(std::size_t d, double work, double end);
    [[nodiscard]] Place here(std::size_t d) const;
    void send(const Place& from, std::size_t to, const Parcel& parcel);
    void receive(std::size_t d);
    [[nodiscard]] Parcel x(std::size_t from, std::size_t to) const;
    [[nodiscard]] Parcel outputs(std::size_t from, std::size_t to, std::int32_t n) const;

    void walk(const Draft& draft);
    double attention(const Draft& draft, std::size_t layer, double begin);
    void feed_forward(const Draft& draft, std::size_t layer, double begin);
    void finish(const Draft& draft);

    void sort_mails();
    void stagger(const std::vector<Segment>& places, double step);
    [[nodiscard]] double walk_rounds(double least);
    void walk_round(std::size_t round);

    const Snapshot* snapshot_;
    StepDelay step_;
    std::int64_t batch_;
    double batches_;
    std::size_t count_; ///< of batches, the last one may be smaller
    double last_share_;
    bool ends_;
    double step_time_ = 0; ///< of the last bound
    std::int64_t work_ = 0;

    std::vector<Station> stations_;
    std::vector<std::uint32_t> link_numbers_; ///< [from][to]
    std::vector<Link> links_;                 ///< in use
    std::vector<Segment> segments_;           ///< in an order in which every mail goes forwards
    std::vector<Mail> mails_;
    std::vector<std::size_t> open_mail_; ///< per device those it has not received yet, linked
    std::vector<std::size_t> next_mail_;
    std::vector<std::size_t> at_work_; ///< devices with groups of the present layer

    /// A segment that is executed at every visit, for the turn that began so many visits ago.
    struct Due {
        double at = 0; ///< since the visit, in G-ths of a step
        std::size_t lag = 0;
        std::size_t segment = 0;
    };
    std::vector<Due> due_;     ///< in their order
    std::vector<Mail> sorted_; ///< by sending segment
    std::vector<double> clocks_;
    std::vector<double> free_;    ///< links
    std::vector<double> arrived_; ///< [batch][segment]
};

} // namespace headroom::scheduler
