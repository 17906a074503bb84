#include "runtime/device/move_times.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "runtime/memory/never.hpp"

namespace headroom::runtime {

using scheduler::Move;

MoveTimes::MoveTimes(
    std::span<const Move> moves,
    const scheduler::Blocks& blocks,
    DeviceId self,
    device::DeviceClock& clock,
    std::int64_t epoch
)
    : moves_(moves), blocks_(&blocks), self_(self), clock_(&clock), epoch_(epoch),
      shares_(scheduler::shares_of(moves, scheduler::medium_of(clock.fleet()))),
      timings_(moves.size()), loads_(moves.size()) {}

std::string MoveTimes::name_of(std::size_t move) const {
    return to_string(blocks_->name(moves_[move].block));
}

void MoveTimes::begin(Nanoseconds t_switch, std::span<Bytes> sent_bytes) {
    clock_->advance_to(t_switch);
    Nanoseconds storage_free = clock_->now();
    for (std::size_t i = 0; i < moves_.size(); ++i) {
        if (moves_[i].from == self_ && moves_[i].bytes > 0) {
            depart(i, sent_bytes);
        }
        if (moves_[i].to == self_ && moves_[i].loaded > 0) {
            load(i, storage_free);
        }
    }
}

void MoveTimes::depart(std::size_t move, std::span<Bytes> sent_bytes) {
    const Move& what = moves_[move];
    timings_[move] =
        clock_->send({what.to, what.bytes, shares_[move], scheduler::key_of(what, epoch_)});
    sent_bytes[what.to.index()] += what.bytes;
    if (timings_[move].arrival == kNever) {
        throw StuckError(fmt::format(
            "{} never arrives at device {}: the rate of the link from device {} {}; change the "
            "events or the load of that link in the scenario",
            name_of(move),
            what.to.value,
            self_.value,
            never_ends_because(
                {&clock_->fleet().network.link(self_, what.to).bandwidth,
                 &clock_->fleet().devices[self_.index()].egress},
                timings_[move].begin,
                clock_->sampled_tokens()
            )
        ));
    }
}

void MoveTimes::load(std::size_t move, Nanoseconds& storage_free) {
    loads_[move] = {storage_free, clock_->load(storage_free, moves_[move].loaded)};
    storage_free = loads_[move].end;
    if (storage_free == kNever) {
        throw StuckError(fmt::format(
            "device {} never has {} loaded: the rate of its storage {}; change its "
            "storage_bandwidth or its events in the scenario",
            self_.value,
            name_of(move),
            never_ends_because(
                {&clock_->fleet().devices[self_.index()].storage_bandwidth},
                loads_[move].start,
                clock_->sampled_tokens()
            )
        ));
    }
}

device::TimeSpan MoveTimes::arrive(std::size_t move) {
    const Move& what = moves_[move];
    HEADROOM_CHECK(what.bytes > 0 || what.loaded > 0, "{} moves without bytes", name_of(move));
    device::TimeSpan time{kNever, 0};
    if (what.bytes > 0) {
        time = {timings_[move].begin, clock_->receive(timings_[move], what.bytes)};
        if (clock_->has_message_overhead()) {
            clock_->handle_arrival(time.end);
            time.end = clock_->now();
        }
    }
    if (time.end == kNever) {
        throw StuckError(fmt::format(
            "{} never gets into device {}: its ingress {}; change its ingress in the scenario",
            name_of(move),
            self_.value,
            never_ends_because(
                {&clock_->fleet().devices[self_.index()].ingress},
                timings_[move].first_byte,
                clock_->sampled_tokens()
            )
        ));
    }
    if (what.loaded > 0) {
        time = {std::min(time.start, loads_[move].start), std::max(time.end, loads_[move].end)};
    }
    return time;
}

} // namespace headroom::runtime
