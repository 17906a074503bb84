// StepDelay where the order of messages matters: with caps, message overheads or shared media
// (order_matters() in message_cost.hpp). The messages of a stage are timed one by one, in the order
// of the programs (timing/program.hpp).
#include <algorithm>

#include "scheduler/core/media.hpp"
#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {

/// One stage. Only the activation device sends more than one message, only its link to the target
/// carries more than one, and only the target receives more than one.
class StepDelay::OrderedStage {
  public:
    OrderedStage(
        const StepDelay& step, std::size_t activation_device, std::size_t target, Spread spread
    )
        : step_(step), a_(activation_device), p_(target), spread_(spread),
          scratch_(scratch_of_thread()),
          a_capped_(step.snapshot_->devices[activation_device].egress != kUnlimited) {}

    /// Returns when the target has x and all outputs.
    Nanoseconds run() {
        list_phases();
        const Sent x = send_inputs();
        Nanoseconds& ready = p_ == a_ ? a_clock_ : scratch_.received[p_];
        compute(p_, ready);
        for (std::size_t j = 0; j < step_.devices_; ++j) {
            if (j == p_) {
                continue;
            }
            if (j == a_) {
                receive(x, p_, ready);
            }
            if (spread_.counts[j] > 0) {
                Nanoseconds& clock = j == a_ ? a_clock_ : scratch_.received[j];
                compute(j, clock);
                const Bytes bytes = step_.outputs_bytes(spread_.counts[j]);
                receive(send(j, p_, bytes, scratch_.outputs, clock), p_, ready);
            }
        }
        return ready;
    }

  private:
    /// What one call needs. Searches call a hundred thousand times, so that it is kept.
    struct Scratch {
        std::vector<Nanoseconds> received; ///< [device]: when it has its input
        MediumEnds inputs;
        MediumEnds outputs;
    };

    static Scratch& scratch_of_thread() {
        static thread_local Scratch scratch;
        return scratch;
    }

    /// A message on its way.
    struct Sent {
        Nanoseconds first_byte = 0; ///< when it begins to arrive
        Nanoseconds arrival = 0;    ///< when all of it has arrived, if the ingress has no cap
        Nanoseconds ingress = 0;    ///< how long it occupies the receiver's ingress
    };

    [[nodiscard]] std::int32_t medium(std::size_t d) const {
        return step_.snapshot_->devices[d].medium;
    }

    void list_phases() {
        const Snapshot& snapshot = *step_.snapshot_;
        scratch_.received.assign(step_.devices_, 0);
        scratch_.inputs.reset(snapshot.media.size());
        scratch_.outputs.reset(snapshot.media.size());
        for (std::size_t j = 0; j < step_.devices_ && !snapshot.media.empty(); ++j) {
            if (spread_.counts[j] > 0 && j != a_) {
                scratch_.inputs.add(medium(a_), medium(j));
            }
            if (spread_.counts[j] > 0 && j != p_) {
                scratch_.outputs.add(medium(j), medium(p_));
            }
        }
    }

    /// The activation device sends target by target: the units' input, then x.
    Sent send_inputs() {
        Sent x;
        for (std::size_t k = 0; k < step_.devices_; ++k) {
            if (k != a_ && spread_.counts[k] > 0) {
                const Sent input = send(a_, k, step_.x_bytes_, scratch_.inputs, a_clock_);
                receive(input, k, scratch_.received[k]);
            }
            if (k != a_ && k == p_) {
                const MediaShares lone = lone_shares(*step_.snapshot_, a_, p_);
                x = send(a_, k, step_.x_bytes_, lone, a_clock_);
            }
        }
        return x;
    }

    void compute(std::size_t d, Nanoseconds& clock) const {
        const std::int32_t n = spread_.counts[d];
        clock += n > 0 ? step_.overhead_[d] + n * spread_.each[d] : 0;
    }

    Sent send(
        std::size_t from, std::size_t to, Bytes bytes, const MediumEnds& phase, Nanoseconds& clock
    ) {
        return send(from, to, bytes, phase.of(medium(from), medium(to)), clock);
    }

    Sent send(
        std::size_t from, std::size_t to, Bytes bytes, MediaShares shares, Nanoseconds& clock
    ) {
        const Nanoseconds overhead = message_overhead(*step_.snapshot_, from);
        const MessageTimes w = step_.message_times(from, to, bytes, shares);
        Nanoseconds begin = clock + overhead;
        if (from == a_) {
            begin = std::max({begin, egress_free_, to == p_ ? link_free_ : 0});
            egress_free_ = a_capped_ ? begin + w.egress : 0;
        }
        clock += step_.batch_ * overhead;
        const Nanoseconds busy = std::max(w.link, w.egress);
        const Nanoseconds end = begin + busy + step_.spacing(from, to, busy);
        link_free_ = from == a_ && to == p_ ? end : link_free_;
        const Nanoseconds latency = step_.link_latency(from, to);
        return {begin + latency, end + latency, w.ingress};
    }

    /// Advances the receiver's clock to the end of the message. A capped ingress serves messages in
    /// the order of the receiver's program.
    void receive(const Sent& sent, std::size_t d, Nanoseconds& clock) {
        Nanoseconds arrival = sent.arrival;
        const bool capped = step_.snapshot_->devices[d].ingress != kUnlimited;
        if (capped && d == p_) {
            ingress_free_ = std::max(sent.first_byte, ingress_free_) + sent.ingress;
            arrival = std::max(arrival, ingress_free_);
        } else if (capped) {
            arrival = std::max(arrival, sent.first_byte + sent.ingress);
        }
        const Nanoseconds overhead = message_overhead(*step_.snapshot_, d);
        clock = std::max(clock + (step_.batch_ - 1) * overhead, arrival) + overhead;
    }

    const StepDelay& step_;
    std::size_t a_; ///< the activation device
    std::size_t p_; ///< the target
    Spread spread_;
    Scratch& scratch_;
    bool a_capped_;
    Nanoseconds a_clock_ = 0;
    Nanoseconds egress_free_ = 0;  ///< of the activation device, if it has a cap
    Nanoseconds link_free_ = 0;    ///< from the activation device to the target
    Nanoseconds ingress_free_ = 0; ///< of the target, if it has a cap
};

Nanoseconds StepDelay::gather_in_order(
    std::size_t activation_device, std::size_t target, const Spread& spread
) const {
    return OrderedStage(*this, activation_device, target, spread).run();
}

} // namespace headroom::scheduler
