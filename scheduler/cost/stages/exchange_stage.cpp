#include "scheduler/cost/stages/exchange_stage.hpp"

#include <algorithm>

namespace headroom::scheduler {

StepDelay::ExchangeStage::Scratch& StepDelay::ExchangeStage::scratch_of_thread() {
    static thread_local Scratch scratch;
    return scratch;
}

StepDelay::ExchangeStage::ExchangeStage(
    const StepDelay& step, std::size_t layer, std::size_t activation_device, const LayerShape& shape
)
    : step_(step), layer_(layer), a_(activation_device), p_(shape.proj), counts_(shape.groups),
      scratch_(scratch_of_thread()), has_x_(a_ == p_) {
    scratch_.holders.clear();
    for (std::size_t d = 0; d < step.devices_; ++d) {
        if (counts_[d] > 0) {
            scratch_.holders.push_back(d);
        }
    }
    for (std::vector<Nanoseconds>* times :
         {&scratch_.clocks,
          &scratch_.egress_free,
          &scratch_.ingress_free,
          &scratch_.from_a_free,
          &scratch_.to_p_free}) {
        times->assign(step.devices_, 0);
    }
}

Nanoseconds StepDelay::ExchangeStage::run() {
    advance_to_sums();
    collect_outputs();
    return scratch_.clocks[p_];
}

std::vector<Nanoseconds> StepDelay::ExchangeStage::sums_complete() {
    advance_to_sums();
    std::vector<Nanoseconds> times(step_.devices_, 0);
    for (const std::size_t d : scratch_.holders) {
        times[d] = scratch_.clocks[d];
    }
    return times;
}

void StepDelay::ExchangeStage::advance_to_sums() {
    list_phases();
    send_inputs();
    compute_products();
    exchange_sums();
}

std::int32_t StepDelay::ExchangeStage::medium(std::size_t d) const {
    return step_.snapshot_->devices[d].medium;
}

void StepDelay::ExchangeStage::list_phases() {
    const std::size_t media = step_.snapshot_->media.size();
    for (MediumEnds* phase : {&scratch_.inputs, &scratch_.exchange, &scratch_.outputs}) {
        phase->reset(media);
    }
    if (media == 0) {
        return;
    }
    for (const std::size_t j : scratch_.holders) {
        if (j != a_) {
            scratch_.inputs.add(medium(a_), medium(j));
        }
        if (j != p_) {
            scratch_.outputs.add(medium(j), medium(p_));
        }
        for (const std::size_t k : scratch_.holders) {
            if (k != j) {
                scratch_.exchange.add(medium(j), medium(k));
            }
        }
    }
}

/// The activation device sends target by target: the groups' input, then x.
void StepDelay::ExchangeStage::send_inputs() {
    for (std::size_t k = 0; k < step_.devices_; ++k) {
        if (k != a_ && counts_[k] > 0) {
            receive(send(a_, k, step_.x_bytes_, scratch_.inputs), k);
        }
        if (k != a_ && k == p_) {
            x_ = send(a_, p_, step_.x_bytes_, lone_shares(*step_.snapshot_, a_, p_));
        }
    }
}

void StepDelay::ExchangeStage::compute_products() {
    for (const std::size_t d : scratch_.holders) {
        scratch_.clocks[d] += step_.overhead_[d] + step_.products_time(layer_, d, counts_[d]);
    }
}

/// Every holder sends its sums to all others, then receives theirs.
void StepDelay::ExchangeStage::exchange_sums() {
    const std::vector<std::size_t>& holders = scratch_.holders;
    scratch_.sums.resize(holders.size() * holders.size());
    for (std::size_t j = 0; j < holders.size(); ++j) {
        const Bytes bytes = step_.sums_bytes(counts_[holders[j]]);
        for (std::size_t k = 0; k < holders.size(); ++k) {
            if (k != j) {
                scratch_.sums[j * holders.size() + k] =
                    send(holders[j], holders[k], bytes, scratch_.exchange);
            }
        }
    }
    for (std::size_t k = 0; k < holders.size(); ++k) {
        for (std::size_t j = 0; j < holders.size(); ++j) {
            if (k == j) {
                continue;
            }
            if (holders[j] == a_ && holders[k] == p_) {
                receive_x();
            }
            receive(scratch_.sums[j * holders.size() + k], holders[k]);
        }
    }
}

void StepDelay::ExchangeStage::receive_x() {
    if (!has_x_) {
        receive(x_, p_);
    }
    has_x_ = true;
}

/// The holders compute the rests and send their outputs, which the target receives after x.
void StepDelay::ExchangeStage::collect_outputs() {
    for (const std::size_t d : scratch_.holders) {
        const std::int32_t n = counts_[d];
        scratch_.clocks[d] += n * step_.group_time(layer_, d) - step_.products_time(layer_, d, n);
    }
    for (std::size_t j = 0; j < step_.devices_; ++j) {
        if (j == a_) {
            receive_x();
        }
        if (j != p_ && counts_[j] > 0) {
            receive(send(j, p_, step_.outputs_bytes(counts_[j]), scratch_.outputs), p_);
        }
    }
}

StepDelay::ExchangeStage::Sent StepDelay::ExchangeStage::send(
    std::size_t from, std::size_t to, Bytes bytes, const MediumEnds& phase
) {
    return send(from, to, bytes, phase.of(medium(from), medium(to)));
}

StepDelay::ExchangeStage::Sent StepDelay::ExchangeStage::send(
    std::size_t from, std::size_t to, Bytes bytes, MediaShares shares
) {
    const Nanoseconds overhead = message_overhead(*step_.snapshot_, from);
    const MessageTimes w = step_.message_times(from, to, bytes, shares);
    Nanoseconds begin = scratch_.clocks[from] + overhead;
    Nanoseconds once = 0; // a link of a single message is free
    Nanoseconds& link_free = from == a_ ? scratch_.from_a_free[to]
                             : to == p_ ? scratch_.to_p_free[from]
                                        : once;
    begin = std::max(begin, link_free);
    if (step_.snapshot_->devices[from].egress != kUnlimited) {
        begin = std::max(begin, scratch_.egress_free[from]);
        scratch_.egress_free[from] = begin + w.egress;
    }
    scratch_.clocks[from] += step_.batch_ * overhead;
    const Nanoseconds busy = std::max(w.link, w.egress);
    link_free = begin + busy + step_.spacing(from, to, busy);
    const Nanoseconds latency = step_.link_latency(from, to);
    return {begin + latency, link_free + latency, w.ingress};
}

/// A capped ingress serves messages in the order of the receiver's program.
void StepDelay::ExchangeStage::receive(const Sent& sent, std::size_t to) {
    Nanoseconds arrival = sent.arrival;
    if (step_.snapshot_->devices[to].ingress != kUnlimited) {
        Nanoseconds& free = scratch_.ingress_free[to];
        free = std::max(sent.first_byte, free) + sent.ingress;
        arrival = std::max(arrival, free);
    }
    const Nanoseconds overhead = message_overhead(*step_.snapshot_, to);
    Nanoseconds& clock = scratch_.clocks[to];
    clock = std::max(clock + (step_.batch_ - 1) * overhead, arrival) + overhead;
}

} // namespace headroom::scheduler
