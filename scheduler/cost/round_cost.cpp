// See round_cost.hpp.
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
constexpr std::size_t kRounds = 12; ///< after which the mean of the last half must do
constexpr std::size_t kLeastRounds = 4;
constexpr double kSame = 1e-6;

} // namespace

RoundModel::RoundModel(const Problem& problem, std::int64_t batch)
    : RoundModel(problem, StepDelay(problem, batch), batch) {}

RoundModel RoundModel::alone(const Problem& problem) {
    const std::int64_t context = std::max<std::int64_t>(1, problem.blocks->shape().context / 2);
    return {problem, StepDelay(problem, 1, context), 1};
}

RoundModel::RoundModel(const Problem& problem, StepDelay step, std::int64_t batch)
    : snapshot_(&problem.snapshot), step_(std::move(step)), batch_(batch),
      batches_(static_cast<double>(problem.in_flight()) / static_cast<double>(batch)),
      count_(static_cast<std::size_t>((problem.in_flight() + batch - 1) / batch)),
      last_share_(batches_ - static_cast<double>(count_ - 1)), ends_(problem.blocks->shape().ends),
      stations_(step_.devices()), link_numbers_(step_.devices() * step_.devices(), kNoLink),
      open_mail_(step_.devices(), kNone) {}

/// Receives stand here: what comes is a new segment.
void RoundModel::wait(std::size_t d) {
    stations_[d].open = false;
}

void RoundModel::compute(std::size_t d, double work, double end) {
    Station& station = stations_[d];
    if (!station.open) {
        station.open = true;
        station.segment = segments_.size();
        segments_.push_back({d, 0, end - work});
        receive(d);
    }
    station.work += work;
    segments_[station.segment].work += work;
}

RoundModel::Place RoundModel::here(std::size_t d) const {
    const Station& station = stations_[d];
    return {d, station.segment, segments_[station.segment].work};
}

void RoundModel::send(const Place& from, std::size_t to, const Parcel& parcel) {
    std::uint32_t& link = link_numbers_[from.device * step_.devices() + to];
    if (link == kNoLink) {
        link = static_cast<std::uint32_t>(links_.size());
        links_.push_back({from.device, to, 0.0});
    }
    links_[link].busy += parcel.busy;
    stations_[from.device].sent += parcel.bytes;
    stations_[to].received += parcel.bytes;
    ++segments_[from.segment].mails;
    next_mail_.push_back(open_mail_[to]);
    open_mail_[to] = mails_.size();
    mails_.push_back(
        {from.segment, kNone, from.offset, link, parcel.busy, parcel.time - parcel.busy}
    );
}

/// What has been sent to a device arrives before its new segment.
void RoundModel::receive(std::size_t d) {
    for (std::size_t mail = open_mail_[d]; mail != kNone; mail = next_mail_[mail]) {
        mails_[mail].to = stations_[d].segment;
    }
    open_mail_[d] = kNone;
}

RoundModel::Parcel RoundModel::x(std::size_t from, std::size_t to) const {
    return {
        static_cast<double>(step_.x_busy(from, to)),
        static_cast<double>(step_.x_time(from, to)),
        step_.x_bytes()};
}

RoundModel::Parcel RoundModel::outputs(std::size_t from, std::size_t to, std::int32_t n) const {
    const auto busy = static_cast<double>(step_.outputs_time(from, to, n));
    const auto latency = static_cast<double>(step_.link_latency(from, to));
    return {busy, busy + latency, step_.outputs_bytes(n)};
}

/// From x on its holder until proj (or the hub) has what it needs; returns when.
double RoundModel::attention(const Draft& draft, std::size_t layer, double begin) {
    const std::size_t holder = draft.holder(layer);
    const std::size_t target = draft.proj(layer);
    const std::int32_t* const groups = draft.shape(layer).groups;
    const double done = begin + static_cast<double>(draft.until_proj(layer));
    const Place from = here(holder);
    at_work_.clear();
    for (std::size_t d = 0; d < stations_.size(); ++d) {
        const std::int32_t n = groups[d];
        if (n == 0) {
            continue;
        }
        at_work_.push_back(d);
        if (d != holder) {
            wait(d);
            send(from, d, x(holder, d));
        }
        const auto work = static_cast<double>(n * step_.group_time(layer, d));
        compute(d, work, begin + static_cast<double>(step_.x_time(holder, d)) + work);
    }
    bool gathers = holder != target;
    if (holder != target) {
        send(from, target, x(holder, target));
    }
    for (const std::size_t d : at_work_) {
        if (d != target) {
            send(here(d), target, outputs(d, target, groups[d]));
            gathers = true;
        }
    }
    if (gathers) {
        wait(target);
    }
    compute(target, static_cast<double>(step_.proj_time(layer, target)), done);
    return done;
}

/// From there until ffn (or the hub) is done.
void RoundModel::feed_forward(const Draft& draft, std::size_t layer, double begin) {
    const std::size_t from = draft.proj(layer);
    const std::size_t host = draft.ffn(layer);
    const double done =
        begin + static_cast<double>(draft.layer_time(layer) - draft.until_proj(layer));
    if (!step_.sliced()) {
        if (from != host) {
            wait(host);
            send(here(from), host, x(from, host));
        }
        compute(host, static_cast<double>(step_.ffn_time(layer, host)), done);
        return;
    }
    const Place hub = here(host);
    bool gathers = false;
    for (std::size_t d = 0; d < step_.devices(); ++d) {
        const std::int32_t n = draft.slices_on(layer, d);
        if (n == 0) {
            continue;
        }
        if (d != host) {
            wait(d);
            send(hub, d, x(host, d));
        }
        const auto work = static_cast<double>(n * step_.ffn_time(layer, d));
        compute(d, work, begin + static_cast<double>(step_.x_time(host, d)) + work);
        if (d != host) {
            gathers = true;
            send(here(d), host, outputs(d, host, n));
        }
    }
    if (gathers) {
        wait(host);
    }
    compute(host, 0.0, done);
}

/// From the last layer's x to the id on the source.
void RoundModel::finish(const Draft& draft) {
    const std::size_t source = step_.source();
    const std::size_t last = draft.ffn(draft.layers() - 1);
    const std::size_t sampler = ends_ ? draft.lm_head() : source;
    const auto done = static_cast<double>(draft.inference());
    if (last != sampler) {
        wait(sampler);
        send(here(last), sampler, x(last, sampler));
    }
    compute(sampler, ends_ ? static_cast<double>(step_.lm_head_time(sampler)) : 0.0, done);
    if (sampler != source) {
        wait(source);
        send(here(sampler), source, {0, static_cast<double>(step_.id_time(sampler, source)), 0});
        compute(source, 0.0, done);
    }
}

void RoundModel::walk(const Draft& draft) {
    std::fill(stations_.begin(), stations_.end(), Station());
    for (const Link& link : links_) {
        link_numbers_[link.from * step_.devices() + link.to] = kNoLink;
    }
    links_.clear();
    segments_.clear();
    mails_.clear();
    next_mail_.clear();
    const std::size_t source = step_.source();
    const std::size_t embed = draft.holder(0);
    auto now = static_cast<double>(step_.start(embed));
    compute(source, 0.0, 0.0);
    if (embed != source) {
        send(here(source), embed, {0, now, 0});
        compute(embed, 0.0, now);
    }
    for (std::size_t l = 0; l < draft.layers(); ++l) {
        const double done = attention(draft, l, now);
        feed_forward(draft, l, done);
        now += static_cast<double>(draft.layer_time(l));
    }
    finish(draft);
}

RoundModel::Estimate RoundModel::bound(const Draft& draft) {
    walk(draft);
    const auto step = static_cast<double>(draft.inference());
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
    for (std::size_t d = 0; d < stations_.size(); ++d) {
        const Station& station = stations_[d];
        estimate.unevenness += busy(d) * busy(d);
        offer(busy(d), Limit::device, d, d);
        const Snapshot::Device& device = snapshot_->devices[d];
        if (device.egress != kUnlimited) {
            const Nanoseconds sends = bounded_duration(device.egress, station.sent);
            offer(batches_ * static_cast<double>(sends), Limit::device, d, d);
        }
        if (device.ingress != kUnlimited) {
            const Nanoseconds takes = bounded_duration(device.ingress, station.received);
            offer(batches_ * static_cast<double>(takes), Limit::device, d, d);
        }
    }
    for (const Link& link : links_) {
        offer(batches_ * link.busy, Limit::link, link.from, link.to);
    }
    return estimate;
}

void RoundModel::sort_mails() {
    std::size_t first = 0;
    for (Segment& segment : segments_) {
        segment.first = first;
        first += segment.mails;
        segment.mails = 0;
    }
    sorted_.resize(mails_.size());
    for (const Mail& mail : mails_) {
        Segment& from = segments_[mail.from];
        sorted_[from.first + from.mails++] = mail;
    }
}

/// When which segment of which turn is due.
void RoundModel::stagger(const std::vector<Segment>& places, double step) {
    const auto count = static_cast<double>(count_);
    const std::size_t end = stations_[step_.source()].segment;
    due_.clear();
    for (std::size_t s = 0; s < segments_.size(); ++s) {
        if (s == end && end != 0) { // at the slot's next visit, before all others
            due_.push_back({-std::numeric_limits<double>::infinity(), count_, s});
            continue;
        }
        const double place = step > 0 ? count * places[s].place / step : 0;
        const double lag = std::clamp(std::floor(place), 0.0, count - 1);
        due_.push_back({place - lag, static_cast<std::size_t>(lag), s});
    }
    std::sort(due_.begin(), due_.end(), [](const Due& a, const Due& b) {
        return std::tie(a.at, b.lag, a.segment) < std::tie(b.at, a.lag, b.segment);
    });
}

/// The source visits every slot once.
void RoundModel::walk_round(std::size_t round) {
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
            const double start = std::max(clock, arrived[due.segment]);
            arrived[due.segment] = 0;
            for (std::size_t i = segment.first; i < segment.first + segment.mails; ++i) {
                const Mail& mail = sorted_[i];
                double& free = free_[mail.link];
                free = std::max(start + share * mail.offset, free) + share * mail.busy;
                arrived[mail.to] = std::max(arrived[mail.to], free + mail.latency);
            }
            clock = start + share * segment.work;
        }
    }
    work_ += static_cast<std::int64_t>((segments_.size() + mails_.size()) * count_);
}

double RoundModel::rehearse(const Estimate& bound, std::size_t most_steps) {
    if ((segments_.size() + mails_.size()) * count_ > most_steps) {
        return bound.round;
    }
    stagger(segments_, step_time_);
    return walk_rounds(bound.round);
}

double RoundModel::rehearse_by(const RoundModel& alone, const Estimate& bound) {
    stagger(alone.segments_, alone.step_time_);
    return walk_rounds(bound.round);
}

double RoundModel::walk_rounds(double least) {
    sort_mails();
    clocks_.assign(stations_.size(), 0.0);
    arrived_.assign(segments_.size() * count_, 0.0);
    free_.assign(links_.size(), 0.0);
    const double& clock = clocks_[step_.source()];
    double half = 0;
    double before = 0;
    double last = 0;
    for (std::size_t round = 0; round < kRounds; ++round) {
        walk_round(round);
        const double now = clock - before;
        if (round >= kLeastRounds && std::abs(now - last) <= kSame * now) {
            return std::max(least, now);
        }
        last = now;
        before = clock;
        half = round + 1 == kRounds / 2 ? clock : half;
    }
    return std::max(least, (before - half) / static_cast<double>(kRounds - kRounds / 2));
}

} // namespace headroom::scheduler
