// Walking programs. What a device does next depends on its own agenda, its clock and the messages
// it waits for, so the order in which devices are walked cannot show in the result.
#include "scheduler/timing/timeline.hpp"

#include <algorithm>
#include <utility>

#include "base/check.hpp"

namespace headroom::scheduler {

OperationCost cost_of(
    const Blocks& blocks, BlockId b, std::span<const TurnWork> turns, bool sampling
) {
    OperationCost cost;
    for (const TurnWork& turn : turns) {
        if (turn.samples || !sampling) {
            cost.add(blocks, b, turn.first, turn.tokens);
        }
    }
    return cost;
}

Timeline::Timeline(const Blocks& blocks, std::size_t devices)
    : blocks_(&blocks), devices_(devices), clocks_(devices), egress_free_(devices),
      ingress_free_(devices), link_free_(devices), stations_(devices) {}

Nanoseconds Timeline::turn(
    const std::vector<Program>& programs,
    const Rates& rates,
    const TurnWork& work,
    DeviceId source,
    const Overload* overload,
    TimelineLog* log
) {
    HEADROOM_CHECK(rates.devices() == devices_, "rates of {} devices", rates.devices());
    install(
        &programs,
        stagger_of(*blocks_, programs, {}, source, 1, true),
        {source, overload == nullptr ? Overload{} : *overload, log != nullptr}
    );
    notes_places_ = true;
    const std::shared_ptr<const Rates> borrowed(std::shared_ptr<const Rates>(), &rates);
    const std::int64_t batch = visit({Batch{{work}, borrowed}});
    const Nanoseconds sampled = end(batch);
    for (const DeviceId d : active_) {
        check_done(d);
    }
    notes_places_ = false;
    for (const DeviceLog& device : mark()) {
        if (log != nullptr) {
            const TimelineLog& here = device.records;
            log->ops.insert(log->ops.end(), here.ops.begin(), here.ops.end());
            log->messages.insert(log->messages.end(), here.messages.begin(), here.messages.end());
        }
    }
    return sampled;
}

void Timeline::install(
    const std::vector<Program>* programs, const Stagger& stagger, Settings settings
) {
    HEADROOM_CHECK(
        programs->size() == devices_, "{} programs for {} devices", programs->size(), devices_
    );
    HEADROOM_CHECK(running_.empty(), "{} batches are under way", running_.size());
    settings_ = std::move(settings);
    active_.clear();
    for (std::size_t d = 0; d < devices_; ++d) {
        Station& station = stations_[d];
        station.program = &(*programs)[d];
        station.segments = segments_of(*station.program);
        station.agenda = Agenda(stagger, DeviceId(d), DeviceId(d) == settings_.source);
        station.places.clear();
        if (!station.segments.empty()) {
            active_.emplace_back(d);
        }
    }
}

std::int64_t Timeline::visit(std::vector<Batch> batches) {
    const std::int64_t first = batches_;
    std::vector<std::int64_t> numbers;
    for (Batch& batch : batches) {
        HEADROOM_CHECK(
            !batch.turns.empty() && batch.rates != nullptr, "a batch without turns or rates"
        );
        numbers.push_back(batches_++);
        auto running = std::make_shared<Running>();
        running->batch = std::move(batch);
        running->has_computed.assign(devices_, false);
        running_.emplace(numbers.back(), std::move(running));
    }
    for (const DeviceId d : active_) {
        give(d, stations_[d.index()].agenda.visit(numbers));
    }
    walk();
    return first;
}

Nanoseconds Timeline::end(std::int64_t batch) {
    const DeviceId source = settings_.source;
    give(source, stations_[source.index()].agenda.end(batch));
    walk();
    check_done(source);
    running_.erase(batch);
    return clock(source);
}

bool Timeline::has_end() const {
    return stations_[settings_.source.index()].agenda.has_end();
}

std::vector<DeviceLog> Timeline::mark() {
    std::vector<DeviceLog> logs;
    for (std::size_t d = 0; d < devices_; ++d) {
        check_done(DeviceId(d));
        logs.push_back(std::exchange(stations_[d].log, {}));
    }
    return logs;
}

void Timeline::raise(DeviceId d, Nanoseconds time) {
    clocks_[d.index()] = std::max(clocks_[d.index()], time);
}

void Timeline::give(DeviceId d, const std::vector<Task>& tasks) {
    Station& station = stations_[d.index()];
    for (const Task& task : tasks) {
        const auto& running = running_.at(task.batch);
        station.work.push_back({running, station.segments[task.segment], cached_});
    }
    if (!tasks.empty()) {
        wake(d);
    }
}

void Timeline::wake(DeviceId d) {
    Station& station = stations_[d.index()];
    if (!station.queued) {
        station.queued = true;
        ready_.push_back(d);
    }
}

void Timeline::walk() {
    while (!ready_.empty()) {
        const DeviceId d = ready_.front();
        ready_.pop_front();
        stations_[d.index()].queued = false;
        advance(d);
    }
}

/// Runs a device until it waits or is done.
void Timeline::advance(DeviceId d) {
    Station& station = stations_[d.index()];
    while (!station.work.empty()) {
        const Work& work = station.work.front();
        while (station.next < work.segment.end - work.segment.begin) {
            const std::size_t at = work.segment.begin + station.next;
            if (notes_places_ && (*station.program)[at].code != OpCode::receive) {
                note_place(d, station);
            }
            if (!execute(d, station, work)) {
                return;
            }
            station.turn = 0;
            ++station.next;
        }
        if (notes_places_) {
            note_place(d, station);
        }
        station.placed = false;
        station.next = 0;
        station.work.pop_front();
    }
}

/// A segment has its inputs.
void Timeline::note_place(DeviceId d, Station& station) {
    if (!station.placed) {
        station.placed = true;
        station.places.push_back({clocks_[d.index()], station.depth});
    }
}

/// One instruction for all turns of a batch; false if it must wait.
bool Timeline::execute(DeviceId d, Station& station, const Work& work) {
    const Instruction& instruction = (*station.program)[work.segment.begin + station.next];
    const bool sampling = only_when_sampling(instruction, *blocks_);
    if (instruction.code == OpCode::compute) {
        compute(d, station, work, instruction.block, sampling);
        return true;
    }
    const std::vector<TurnWork>& turns = work.running->batch.turns;
    for (; station.turn < turns.size(); ++station.turn) {
        if (sampling && !turns[station.turn].samples) {
            continue;
        }
        if (instruction.code == OpCode::send) {
            send(d, station, work, instruction);
        } else if (instruction.code == OpCode::receive && !receive(d, station, work, instruction)) {
            return false;
        }
    }
    return true;
}

void Timeline::compute(DeviceId d, Station& station, const Work& work, BlockId b, bool sampling) {
    const Batch& batch = work.running->batch;
    const OperationCost cost = cost_of(*blocks_, b, batch.turns, sampling);
    if (!cost.any) {
        return;
    }
    const Rates& rates = *batch.rates;
    const Nanoseconds start = paged(d, work, clocks_[d.index()]);
    const Nanoseconds end =
        std::max(rates.compute(d, start, cost.flops), rates.touch(d, start, cost.touched));
    clocks_[d.index()] = end;
    const OpRecord record{d, b, start, end, batch.turns.front().number};
    if (end == kNever && start != kNever && endless_.ops.empty()) {
        endless_.ops.push_back(record);
    }
    station.log.busy += end == kNever ? 0 : end - start;
    if (settings_.detailed) {
        station.log.records.ops.push_back(record);
    }
}

/// Paging: what a device holds over its budget is read before its first operation of a batch.
Nanoseconds Timeline::paged(DeviceId d, const Work& work, Nanoseconds start) {
    Running& running = *work.running;
    const bool first = !running.has_computed[d.index()];
    running.has_computed[d.index()] = true;
    if (!first || !settings_.overload || start == kNever) {
        return start;
    }
    const Bytes over = settings_.overload({d, start, work.cached, *running.batch.rates});
    return over > 0 ? running.batch.rates->storage(d, start, over) : start;
}

void Timeline::send(
    DeviceId d, Station& station, const Work& work, const Instruction& instruction
) {
    const Batch& batch = work.running->batch;
    const TurnWork& turn = batch.turns[station.turn];
    const Bytes bytes = instruction.bytes(turn.tokens);
    const Sent sent = transmit(d, instruction.peer, bytes, *batch.rates);
    station.log.sent[instruction.peer] += bytes;
    stations_[instruction.peer.index()].inbox[{d, turn.slot}].push_back(
        {instruction.payload, instruction.layer, bytes, sent, station.depth}
    );
    wake(instruction.peer);
}

/// False if the message has not been sent yet.
bool Timeline::receive(
    DeviceId d, Station& station, const Work& work, const Instruction& instruction
) {
    const Batch& batch = work.running->batch;
    const TurnWork& turn = batch.turns[station.turn];
    std::deque<Letter>& letters = station.inbox[{instruction.peer, turn.slot}];
    if (letters.empty()) {
        return false;
    }
    const Letter letter = letters.front();
    letters.pop_front();
    HEADROOM_CHECK(
        letter.payload == instruction.payload && letter.layer == instruction.layer &&
            letter.bytes == instruction.bytes(turn.tokens),
        "device {} expects {} of layer {} from {}, not {} of layer {}",
        d.value,
        name_of(instruction.payload),
        instruction.layer,
        instruction.peer.value,
        name_of(letter.payload),
        letter.layer
    );
    if (notes_places_) {
        station.depth = std::max(station.depth, letter.depth + 1);
    }
    const Nanoseconds arrival = serve(d, letter.sent, letter.bytes, *batch.rates);
    raise(d, arrival);
    const MessageRecord record{
        instruction.peer,
        d,
        letter.payload,
        letter.layer,
        letter.bytes,
        letter.sent.begin,
        arrival,
        turn.number,
    };
    if (arrival == kNever && record.begin != kNever && endless_.messages.empty()) {
        endless_.messages.push_back(record);
    }
    if (settings_.detailed) {
        station.log.records.messages.push_back(record);
    }
    return true;
}

void Timeline::check_done(DeviceId d) const {
    HEADROOM_CHECK(stations_[d.index()].work.empty(), "programs deadlock: {}", waits());
}

std::string Timeline::waits() const {
    std::string text;
    for (std::size_t d = 0; d < devices_; ++d) {
        const Station& station = stations_[d];
        if (!station.work.empty()) {
            const Instruction& wanted =
                (*station.program)[station.work.front().segment.begin + station.next];
            text += fmt::format(
                "{}device {} waits for {} of layer {} from {}",
                text.empty() ? "" : ", ",
                d,
                name_of(wanted.payload),
                wanted.layer,
                wanted.peer.value
            );
        }
    }
    return text;
}

/// The sender's half of a message; source: docs/explanation/time.md#messages.
Timeline::Sent Timeline::transmit(DeviceId from, DeviceId to, Bytes bytes, const Rates& rates) {
    std::vector<Nanoseconds>& links_free = link_free_[from.index()];
    links_free.resize(devices_); // thousands of devices need no table of pairs
    Nanoseconds& link_free = links_free[to.index()];
    Sent sent;
    sent.begin = std::max(clocks_[from.index()], link_free);
    if (rates.egress_capped(from)) {
        Nanoseconds& egress_free = egress_free_[from.index()];
        sent.begin = std::max(sent.begin, egress_free);
        egress_free = rates.egress(from, sent.begin, bytes);
        sent.end = egress_free;
    }
    sent.end = std::max(sent.end, rates.link(from, to, sent.begin, bytes));
    link_free = sent.end;
    sent.latency = rates.latency(from, to, sent.begin);
    sent.arrival = after(sent.end, sent.latency);
    return sent;
}

/// The receiver's half: a capped ingress takes messages one by one, in the order of its program.
Nanoseconds Timeline::serve(DeviceId to, const Sent& sent, Bytes bytes, const Rates& rates) {
    if (!rates.ingress_capped(to)) {
        return sent.arrival;
    }
    Nanoseconds& ingress_free = ingress_free_[to.index()];
    const Nanoseconds first_byte = after(sent.begin, sent.latency);
    ingress_free = rates.ingress(to, std::max(first_byte, ingress_free), bytes);
    return std::max(sent.arrival, ingress_free);
}

Nanoseconds predict_inference(
    const Blocks& blocks,
    const Placement& placement,
    const Snapshot& snapshot,
    DeviceId source,
    std::int64_t context
) {
    Timeline timeline(blocks, snapshot.size());
    return timeline.turn(
        lower(blocks, placement, source, snapshot.size()),
        SnapshotRates(snapshot),
        {context - 1, 1},
        source
    );
}

} // namespace headroom::scheduler
