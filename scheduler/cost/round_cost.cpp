#include "scheduler/cost/round_cost.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

namespace headroom::scheduler {
namespace {

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
constexpr std::uint32_t kNoLink = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kMaxRounds = 12; ///< afterwards the mean of the second half is the result
constexpr std::size_t kMinRounds = 4;
constexpr double kTolerance = 1e-6;

} // namespace

RoundModel::RoundModel(const Problem& problem, std::int64_t batch)
    : RoundModel(problem, StepDelay(problem, batch), batch) {}

RoundModel RoundModel::alone(const Problem& problem) {
    const std::int64_t context = std::max<std::int64_t>(1, problem.blocks->shape().context / 2);
    return {problem, StepDelay(problem, 1, context), 1};
}

RoundModel::RoundModel(const Problem& problem, StepDelay step, std::int64_t batch)
    : snapshot_(&problem.snapshot), medium_of_(medium_of(problem.snapshot)), step_(std::move(step)),
      batch_(batch),
      batches_(static_cast<double>(problem.in_flight()) / static_cast<double>(batch)),
      count_(static_cast<std::size_t>((problem.in_flight() + batch - 1) / batch)),
      last_share_(batches_ - static_cast<double>(count_ - 1)),
      ends_(problem.blocks->shape().has_ends), device_states_(step_.devices()),
      link_numbers_(step_.devices() * step_.devices(), kNoLink),
      unreceived_(step_.devices(), kNone) {}

/// Ends the present segment of d, because the program of d receives a message here.
void RoundModel::end_segment(std::size_t d) {
    device_states_[d].has_segment = false;
}

void RoundModel::compute(std::size_t d, double work, double end) {
    DeviceState& state = device_states_[d];
    if (!state.has_segment) {
        state.has_segment = true;
        state.segment = segments_.size();
        segments_.push_back({d, 0, end - work});
        receive(d);
    }
    state.work += work;
    segments_[state.segment].work += work;
}

RoundModel::ProgramPoint RoundModel::current_point(std::size_t d) const {
    const DeviceState& state = device_states_[d];
    return {d, state.segment, segments_[state.segment].work};
}

/// Sends the messages of a batch from a point of a program, which comes after them then.
void RoundModel::send(ProgramPoint& from, std::size_t to, const LinkTime& time) {
    std::uint32_t& link = link_numbers_[from.device * step_.devices() + to];
    if (link == kNoLink) {
        link = static_cast<std::uint32_t>(links_.size());
        links_.push_back({from.device, to, 0.0});
    }
    links_[link].busy += time.busy;
    device_states_[from.device].sent += time.bytes;
    device_states_[to].received += time.bytes;
    ++segments_[from.segment].messages;
    next_message_.push_back(unreceived_[to]);
    unreceived_[to] = messages_.size();
    const double begin = from.offset + overhead(from.device);
    messages_.push_back({from.segment, kNone, begin, link, time.busy, time.time - time.busy});
    const double handling = static_cast<double>(batch_) * overhead(from.device);
    from.offset += handling;
    segments_[from.segment].work += handling;
    device_states_[from.device].work += handling;
}

/// Sends from where the program of d is now.
void RoundModel::send_from(std::size_t d, std::size_t to, const LinkTime& time) {
    ProgramPoint from = current_point(d);
    send(from, to, time);
}

/// Makes the new segment of d the receiver of all messages that d has not received yet.
void RoundModel::receive(std::size_t d) {
    Segment& segment = segments_[device_states_[d].segment];
    for (std::size_t message = unreceived_[d]; message != kNone; message = next_message_[message]) {
        messages_[message].to = device_states_[d].segment;
        segment.received += static_cast<double>(batch_) * overhead(d);
        segment.last_received = overhead(d);
    }
    device_states_[d].work += segment.received;
    unreceived_[d] = kNone;
}

/// Both ends handle the messages as a part of their work, so this is not counted here.
RoundModel::LinkTime RoundModel::x(std::size_t from, std::size_t to) const {
    return {
        static_cast<double>(step_.x_busy(from, to)),
        static_cast<double>(step_.x_time(from, to) - handling_time(*snapshot_, from, to)),
        step_.x_bytes()};
}

RoundModel::LinkTime RoundModel::id(std::size_t from, std::size_t to) const {
    const Nanoseconds time = step_.id_time(from, to) - handling_time(*snapshot_, from, to);
    return {0, static_cast<double>(time), 0};
}

/// Returns the time of a message with the sums of n groups.
RoundModel::LinkTime RoundModel::sums(std::size_t from, std::size_t to, std::int32_t n) const {
    const Bytes bytes = step_.sums_bytes(n);
    const auto busy = static_cast<double>(link_time(*snapshot_, from, to, bytes));
    return {busy, busy + static_cast<double>(step_.link_latency(from, to)), bytes};
}

RoundModel::LinkTime RoundModel::outputs(std::size_t from, std::size_t to, std::int32_t n) const {
    const auto busy = static_cast<double>(step_.outputs_time(from, to, n));
    const auto latency = static_cast<double>(step_.link_latency(from, to));
    return {busy, busy + latency, step_.outputs_bytes(n)};
}

/// Returns the time of a message in a phase of several links, from its time without the others.
RoundModel::LinkTime RoundModel::shared(
    LinkTime time, std::size_t from, std::size_t to, const PhaseShares& phase
) const {
    if (!medium_of_.empty()) {
        const MediaShares shares = phase.of(DeviceId(from), DeviceId(to));
        const auto on_media =
            static_cast<double>(media_time(*snapshot_, from, to, time.bytes, shares));
        const double longer = std::max(0.0, on_media - time.busy);
        time.busy += longer;
        time.time += longer;
    }
    return time;
}

RoundModel::UnitPhases RoundModel::phases(
    const Incumbent& incumbent, Unit unit, std::size_t layer, std::size_t activation_device
) const {
    const std::size_t target = incumbent.proj(layer);
    UnitPhases phases{PhaseShares(medium_of_), PhaseShares(medium_of_)};
    for (std::size_t d = 0; d < medium_of_.size(); ++d) {
        if (incumbent.units_on(unit, layer, d) == 0) {
            continue;
        }
        if (d != activation_device) {
            phases.inputs.add(DeviceId(activation_device), DeviceId(d));
        }
        if (d != target) {
            phases.outputs.add(DeviceId(d), DeviceId(target));
        }
    }
    return phases;
}

/// Adds the exchange of sums between the parts of the groups on group_devices_, and the rests.
void RoundModel::exchange(const Incumbent& incumbent, std::size_t layer, double begin) {
    const StepDelay::LayerShape shape = incumbent.shape(layer);
    PhaseShares phase(medium_of_);
    for (const std::size_t j : group_devices_) {
        for (const std::size_t k : group_devices_) {
            if (j != k && !medium_of_.empty()) {
                phase.add(DeviceId(j), DeviceId(k));
            }
        }
    }
    for (const std::size_t j : group_devices_) {
        for (const std::size_t k : group_devices_) {
            if (j != k) {
                send_from(j, k, shared(sums(j, k, shape.groups[j]), j, k, phase));
            }
        }
    }
    const std::vector<Nanoseconds> complete =
        step_.sums_complete(layer, incumbent.activation_device(layer), shape);
    for (const std::size_t d : group_devices_) {
        const std::int32_t n = shape.groups[d];
        const auto rest =
            static_cast<double>(n * step_.group_time(layer, d) - step_.products_time(layer, d, n));
        end_segment(d);
        compute(d, rest, begin + static_cast<double>(complete[d]) + rest);
    }
}

/// Adds the first part of a layer: from x on the activation device to the end of proj (or of the
/// hub's sum). Returns the time of this end.
double RoundModel::attention(const Incumbent& incumbent, std::size_t layer, double begin) {
    const std::size_t activation_device = incumbent.activation_device(layer);
    const std::size_t target = incumbent.proj(layer);
    const std::int32_t* const groups = incumbent.shape(layer).groups;
    const double done = begin + static_cast<double>(incumbent.until_proj(layer));
    const UnitPhases phase = phases(incumbent, Unit::group, layer, activation_device);
    const bool exchanges = step_.exchanges(incumbent.shape(layer));
    ProgramPoint from = current_point(activation_device);
    group_devices_.clear();
    for (std::size_t d = 0; d < device_states_.size(); ++d) {
        const std::int32_t n = groups[d];
        if (n == 0) {
            continue;
        }
        group_devices_.push_back(d);
        if (d != activation_device) {
            end_segment(d);
            send(from, d, shared(x(activation_device, d), activation_device, d, phase.inputs));
        }
        const auto work = static_cast<double>(
            exchanges ? step_.operation_overhead(d) + step_.products_time(layer, d, n)
                      : step_.units_time(layer, d, Unit::group, n)
        );
        compute(d, work, begin + static_cast<double>(step_.x_time(activation_device, d)) + work);
    }
    bool gathers = activation_device != target;
    if (activation_device != target) {
        send(from, target, x(activation_device, target));
    }
    if (exchanges) {
        exchange(incumbent, layer, begin);
    }
    for (const std::size_t d : group_devices_) {
        if (d != target) {
            send_from(d, target, shared(outputs(d, target, groups[d]), d, target, phase.outputs));
            gathers = true;
        }
    }
    if (gathers) {
        end_segment(target);
    }
    compute(target, static_cast<double>(step_.proj_time(layer, target)), done);
    return done;
}

/// Adds the rest of a layer, to the end of ffn (or of the hub's second sum).
void RoundModel::feed_forward(const Incumbent& incumbent, std::size_t layer, double begin) {
    const std::size_t from = incumbent.proj(layer);
    const std::size_t host = incumbent.ffn(layer);
    const double done =
        begin + static_cast<double>(incumbent.layer_time(layer) - incumbent.until_proj(layer));
    if (!step_.sliced()) {
        if (from != host) {
            end_segment(host);
            send_from(from, host, x(from, host));
        }
        compute(host, static_cast<double>(step_.ffn_time(layer, host)), done);
        return;
    }
    const UnitPhases phase = phases(incumbent, Unit::slice, layer, host);
    ProgramPoint hub = current_point(host);
    bool gathers = false;
    for (std::size_t d = 0; d < step_.devices(); ++d) {
        const std::int32_t n = incumbent.units_on(Unit::slice, layer, d);
        if (n == 0) {
            continue;
        }
        if (d != host) {
            end_segment(d);
            send(hub, d, shared(x(host, d), host, d, phase.inputs));
        }
        const auto work = static_cast<double>(step_.units_time(layer, d, Unit::slice, n));
        compute(d, work, begin + static_cast<double>(step_.x_time(host, d)) + work);
        if (d != host) {
            gathers = true;
            send_from(d, host, shared(outputs(d, host, n), d, host, phase.outputs));
        }
    }
    if (gathers) {
        end_segment(host);
    }
    compute(host, static_cast<double>(step_.operation_overhead(host)), done);
}

/// Adds the end of the step, from x after the last layer to the sampled id on the source.
void RoundModel::finish(const Incumbent& incumbent) {
    const std::size_t source = step_.source();
    const std::size_t last = incumbent.ffn(incumbent.layers() - 1);
    const std::size_t sampler = ends_ ? incumbent.lm_head() : source;
    const auto done = static_cast<double>(incumbent.inference());
    if (last != sampler) {
        end_segment(sampler);
        send_from(last, sampler, x(last, sampler));
    }
    compute(sampler, ends_ ? static_cast<double>(step_.lm_head_time(sampler)) : 0.0, done);
    if (sampler != source) {
        end_segment(source);
        send_from(sampler, source, id(sampler, source));
        compute(source, 0.0, done);
    }
}

void RoundModel::build_step(const Incumbent& incumbent) {
    std::fill(device_states_.begin(), device_states_.end(), DeviceState());
    for (const Link& link : links_) {
        link_numbers_[link.from * step_.devices() + link.to] = kNoLink;
    }
    links_.clear();
    segments_.clear();
    messages_.clear();
    next_message_.clear();
    const std::size_t source = step_.source();
    const std::size_t embed = incumbent.activation_device(0);
    auto now = static_cast<double>(step_.start(embed));
    const auto lookup = static_cast<double>(ends_ ? step_.operation_overhead(embed) : 0);
    compute(source, 0.0, 0.0);
    if (embed != source) {
        send_from(source, embed, id(source, embed));
    }
    compute(embed, lookup, now);
    for (std::size_t l = 0; l < incumbent.layers(); ++l) {
        const double done = attention(incumbent, l, now);
        feed_forward(incumbent, l, done);
        now += static_cast<double>(incumbent.layer_time(l));
    }
    finish(incumbent);
}

RoundModel::Estimate RoundModel::bound(const Incumbent& incumbent) {
    build_step(incumbent);
    const auto step = static_cast<double>(incumbent.inference());
    step_time_ = step;
    Estimate estimate{step, Limit::step, 0, 0, 0};
    const auto offer = [&](double round, Limit limit, std::size_t device, std::size_t other) {
        if (round > estimate.round) {
            estimate.round = round;
            estimate.limit = limit;
            estimate.device = device;
            estimate.other = other;
        }
    };
    for (std::size_t d = 0; d < device_states_.size(); ++d) {
        const DeviceState& state = device_states_[d];
        estimate.unevenness += busy(d) * busy(d);
        offer(busy(d), Limit::device, d, d);
        const Snapshot::Device& device = snapshot_->devices[d];
        if (device.egress != kUnlimited) {
            const Nanoseconds egress = bounded_duration(device.egress, state.sent);
            offer(batches_ * static_cast<double>(egress), Limit::device, d, d);
        }
        if (device.ingress != kUnlimited) {
            const Nanoseconds ingress = bounded_duration(device.ingress, state.received);
            offer(batches_ * static_cast<double>(ingress), Limit::device, d, d);
        }
    }
    for (const Link& link : links_) {
        offer(batches_ * link.busy, Limit::link, link.from, link.to);
    }
    return estimate;
}

void RoundModel::sort_messages() {
    std::size_t first = 0;
    for (Segment& segment : segments_) {
        segment.first = first;
        first += segment.messages;
        segment.messages = 0;
    }
    sorted_.resize(messages_.size());
    for (const Message& message : messages_) {
        Segment& from = segments_[message.from];
        sorted_[from.first + from.messages++] = message;
    }
}

/// Fills due_ with the segments that are executed after each visit.
void RoundModel::schedule_segments(const std::vector<Segment>& offsets, double step) {
    const auto count = static_cast<double>(count_);
    const std::size_t end = device_states_[step_.source()].segment;
    due_.clear();
    for (std::size_t s = 0; s < segments_.size(); ++s) {
        if (s == end && end != 0) { // executed at the slot's next visit, before all other segments
            due_.push_back({-std::numeric_limits<double>::infinity(), count_, s});
            continue;
        }
        const double place = step > 0 ? count * offsets[s].start / step : 0;
        const double lag = std::clamp(std::floor(place), 0.0, count - 1);
        due_.push_back({place - lag, static_cast<std::size_t>(lag), s});
    }
    std::sort(due_.begin(), due_.end(), [](const Due& a, const Due& b) {
        return std::tie(a.at, b.lag, a.segment) < std::tie(b.at, a.lag, b.segment);
    });
}

/// Simulates one round, in which the source visits every slot once.
void RoundModel::simulate_visits(std::size_t round) {
    for (std::size_t slot = 0; slot < count_; ++slot) {
        for (const Due& due : due_) {
            if (round == 0 && slot < due.lag) {
                continue;
            }
            const std::size_t batch = slot >= due.lag ? slot - due.lag : slot + count_ - due.lag;
            const double share = batch + 1 < count_ ? 1.0 : last_share_;
            const Segment& segment = segments_[due.segment];
            double* const arrived = &arrived_[batch * segments_.size()];
            double& clock = clocks_[segment.device];
            const double handled = std::max(0.0, share * segment.received - segment.last_received);
            const double ready = std::max(clock + handled, arrived[due.segment]);
            const double start = ready + segment.last_received;
            arrived[due.segment] = 0;
            for (std::size_t i = segment.first; i < segment.first + segment.messages; ++i) {
                const Message& message = sorted_[i];
                double& free = free_[message.link];
                free = std::max(start + share * message.offset, free) + share * message.busy;
                arrived[message.to] = std::max(arrived[message.to], free + message.latency);
            }
            clock = start + share * segment.work;
        }
    }
    work_ += static_cast<std::int64_t>((segments_.size() + messages_.size()) * count_);
}

double RoundModel::simulate_round(const Estimate& bound, std::size_t max_steps) {
    if ((segments_.size() + messages_.size()) * count_ > max_steps) {
        return bound.round;
    }
    schedule_segments(segments_, step_time_);
    return simulate_rounds(bound.round);
}

double RoundModel::simulate_round_at_offsets(const RoundModel& alone, const Estimate& bound) {
    schedule_segments(alone.segments_, alone.step_time_);
    return simulate_rounds(bound.round);
}

double RoundModel::simulate_rounds(double lower_bound) {
    sort_messages();
    clocks_.assign(device_states_.size(), 0.0);
    arrived_.assign(segments_.size() * count_, 0.0);
    free_.assign(links_.size(), 0.0);
    const double& clock = clocks_[step_.source()];
    double half = 0;
    double before = 0;
    double last = 0;
    for (std::size_t round = 0; round < kMaxRounds; ++round) {
        simulate_visits(round);
        const double now = clock - before;
        if (round >= kMinRounds && std::abs(now - last) <= kTolerance * now) {
            return std::max(lower_bound, now);
        }
        last = now;
        before = clock;
        half = round + 1 == kMaxRounds / 2 ? clock : half;
    }
    return std::max(
        lower_bound, (before - half) / static_cast<double>(kMaxRounds - kMaxRounds / 2)
    );
}

} // namespace headroom::scheduler
