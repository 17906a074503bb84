// Walks the programs. What a device does next depends only on its own schedule, its clock and the
// messages that it waits for, so the result does not depend on the order in which devices are
// walked.
#include "scheduler/timing/timeline.hpp"

#include <algorithm>
#include <utility>

#include "base/check.hpp"

namespace headroom::scheduler {

OperationCost cost_of(
    const Blocks& blocks,
    BlockId b,
    std::span<const TurnWork> turns,
    bool sampling_only,
    BlockPart part
) {
    OperationCost cost;
    for (const TurnWork& turn : turns) {
        if (turn.samples || !sampling_only) {
            cost.add(blocks, b, turn.first, turn.tokens, part);
        }
    }
    return cost;
}

Timeline::Timeline(const Blocks& blocks, std::size_t devices)
    : blocks_(&blocks), devices_(devices), clocks_(devices), egress_free_(devices),
      ingress_free_(devices), link_free_(devices), states_(devices) {}

Nanoseconds Timeline::turn(
    const std::vector<Program>& programs,
    const Rates& rates,
    const TurnWork& work,
    DeviceId source,
    const Overload* overload,
    TimelineLog* log,
    std::vector<ClockLog>* clocks
) {
    HEADROOM_CHECK(rates.devices() == devices_, "rates of {} devices", rates.devices());
    HEADROOM_CHECK(clocks == nullptr || overload == nullptr, "clock logs know no paging");
    if (clocks != nullptr) {
        clocks->assign(devices_, {});
    }
    clock_logs_ = clocks;
    install(
        &programs,
        phase_offsets(*blocks_, programs, {}, source, 1, true),
        {source, overload == nullptr ? Overload{} : *overload, log != nullptr}
    );
    records_keys_ = true;
    const std::shared_ptr<const Rates> borrowed(std::shared_ptr<const Rates>(), &rates);
    const std::int64_t batch = visit({Batch{{work}, borrowed}});
    const Nanoseconds sampled = end(batch);
    for (const DeviceId d : active_) {
        check_done(d);
    }
    records_keys_ = false;
    clock_logs_ = nullptr;
    for (const DeviceLog& device_log : take_logs()) {
        if (log != nullptr) {
            const TimelineLog& records = device_log.records;
            log->ops.insert(log->ops.end(), records.ops.begin(), records.ops.end());
            log->messages.insert(
                log->messages.end(), records.messages.begin(), records.messages.end()
            );
        }
    }
    return sampled;
}

void Timeline::install(
    const std::vector<Program>* programs, const PhaseOffsets& offsets, Settings settings
) {
    HEADROOM_CHECK(
        programs->size() == devices_, "{} programs for {} devices", programs->size(), devices_
    );
    HEADROOM_CHECK(running_.empty(), "{} batches are under way", running_.size());
    settings_ = std::move(settings);
    active_.clear();
    for (std::size_t d = 0; d < devices_; ++d) {
        DeviceState& state = states_[d];
        state.program = &(*programs)[d];
        state.segments = segments_of(*state.program);
        state.schedule = TurnSchedule(offsets, DeviceId(d), DeviceId(d) == settings_.source);
        state.keys.clear();
        if (!state.segments.empty()) {
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
        auto running = std::make_shared<RunningBatch>();
        running->batch = std::move(batch);
        running->has_computed.assign(devices_, false);
        running_.emplace(numbers.back(), std::move(running));
    }
    for (const DeviceId d : active_) {
        assign(d, states_[d.index()].schedule.visit(numbers));
    }
    walk();
    return first;
}

Nanoseconds Timeline::end(std::int64_t batch) {
    const DeviceId source = settings_.source;
    assign(source, states_[source.index()].schedule.end(batch));
    walk();
    check_done(source);
    running_.erase(batch);
    return clock(source);
}

bool Timeline::has_end() const {
    return states_[settings_.source.index()].schedule.has_end();
}

std::vector<DeviceLog> Timeline::take_logs() {
    std::vector<DeviceLog> logs;
    for (std::size_t d = 0; d < devices_; ++d) {
        check_done(DeviceId(d));
        logs.push_back(std::exchange(states_[d].log, {}));
    }
    return logs;
}

void Timeline::advance_clock(DeviceId d, Nanoseconds time) {
    clocks_[d.index()] = std::max(clocks_[d.index()], time);
}

void Timeline::assign(DeviceId d, const std::vector<Task>& tasks) {
    DeviceState& state = states_[d.index()];
    for (const Task& task : tasks) {
        const auto& running = running_.at(task.batch);
        state.pending.push_back({running, state.segments[task.segment], cached_rows_});
    }
    if (!tasks.empty()) {
        enqueue(d);
    }
}

void Timeline::enqueue(DeviceId d) {
    DeviceState& state = states_[d.index()];
    if (!state.is_queued) {
        state.is_queued = true;
        ready_.push_back(d);
    }
}

void Timeline::walk() {
    while (!ready_.empty()) {
        const DeviceId d = ready_.front();
        ready_.pop_front();
        states_[d.index()].is_queued = false;
        run_until_blocked(d);
    }
}

/// Walks the tasks of a device until it waits for a message or has no more tasks.
void Timeline::run_until_blocked(DeviceId d) {
    DeviceState& state = states_[d.index()];
    while (!state.pending.empty()) {
        const PendingSegment& pending = state.pending.front();
        while (state.next_instruction < pending.segment.end - pending.segment.begin) {
            const std::size_t at = pending.segment.begin + state.next_instruction;
            if (records_keys_ && (*state.program)[at].code != OpCode::receive) {
                record_key(d, state);
            }
            if (!execute(d, state, pending)) {
                return;
            }
            state.turn_in_batch = 0;
            ++state.next_instruction;
        }
        if (records_keys_) {
            record_key(d, state);
        }
        state.has_key = false;
        state.next_instruction = 0;
        state.pending.pop_front();
    }
}

/// Records the key of the first pending segment, which has its inputs at the clock's time.
void Timeline::record_key(DeviceId d, DeviceState& state) {
    if (!state.has_key) {
        state.has_key = true;
        state.keys.push_back({clocks_[d.index()], state.depth});
    }
}

/// Executes one instruction for all turns of the batch. Returns false if it must wait for a
/// message.
bool Timeline::execute(DeviceId d, DeviceState& state, const PendingSegment& pending) {
    const Instruction& instruction =
        (*state.program)[pending.segment.begin + state.next_instruction];
    const bool sampling_only = is_sampling_only(instruction, *blocks_);
    if (instruction.code == OpCode::compute) {
        compute(d, state, pending, instruction, sampling_only);
        return true;
    }
    const bool receives = instruction.code == OpCode::receive;
    const std::vector<TurnWork>& turns = pending.running->batch.turns;
    for (; state.turn_in_batch < turns.size(); ++state.turn_in_batch) {
        if (sampling_only && !turns[state.turn_in_batch].samples) {
            continue;
        }
        if (instruction.code == OpCode::send) {
            send(d, state, pending, instruction);
        } else if (receives && !receive(d, state, pending, instruction)) {
            return false;
        }
    }
    return true;
}

void Timeline::compute(
    DeviceId d,
    DeviceState& state,
    const PendingSegment& pending,
    const Instruction& instruction,
    bool sampling_only
) {
    const BlockId b = instruction.block;
    const Batch& batch = pending.running->batch;
    const OperationCost cost = cost_of(*blocks_, b, batch.turns, sampling_only, instruction.work);
    if (!cost.has_turns) {
        return;
    }
    const Rates& rates = *batch.rates;
    const Nanoseconds start = page(d, pending, clocks_[d.index()]);
    const Nanoseconds overhead = instruction.starts_stage ? rates.operation_overhead(d) : 0;
    const Nanoseconds ready = after(start, overhead);
    const Nanoseconds end = rates.operation(d, ready, cost);
    clocks_[d.index()] = end;
    if (clock_logs_ != nullptr) {
        log_span(d, {Activity::overhead, start, ready});
        log_pieces(d, ready, cost, rates);
    }
    const OpRecord record{d, b, start, end, batch.turns.front().number};
    if (end == kNever && start != kNever && endless_.ops.empty()) {
        endless_.ops.push_back(record);
    }
    state.log.busy += end == kNever ? 0 : end - start;
    if (settings_.detailed) {
        state.log.records.ops.push_back(record);
    }
}

void Timeline::log_pieces(
    DeviceId d, Nanoseconds start, const OperationCost& cost, const Rates& rates
) {
    for (const OperationPiece& piece : rates.pieces(d, start, cost)) {
        log_span(d, {piece.memory_bound ? Activity::memory : Activity::compute, start, piece.end});
        start = piece.end;
    }
}

/// Records a span if it is to be recorded and takes any time.
void Timeline::log_span(DeviceId d, const ClockSpan& span) {
    if (clock_logs_ != nullptr && span.end > span.begin) {
        (*clock_logs_)[d.index()].spans.push_back(span);
    }
}

/// Returns when the device has read the bytes that it holds beyond its budget from storage. It
/// reads them before its first operation of a batch; before other operations the result is `start`.
Nanoseconds Timeline::page(DeviceId d, const PendingSegment& pending, Nanoseconds start) {
    RunningBatch& running = *pending.running;
    const bool first = !running.has_computed[d.index()];
    running.has_computed[d.index()] = true;
    if (!first || !settings_.overload || start == kNever) {
        return start;
    }
    const Bytes over = settings_.overload({d, start, pending.cached_rows, *running.batch.rates});
    return over > 0 ? running.batch.rates->storage(d, start, over) : start;
}

void Timeline::send(
    DeviceId d, DeviceState& state, const PendingSegment& pending, const Instruction& instruction
) {
    const Batch& batch = pending.running->batch;
    const TurnWork& turn = batch.turns[state.turn_in_batch];
    const Bytes bytes = instruction.bytes(turn.tokens);
    const Transmission sent = transmit(
        {d, instruction.peer, bytes, instruction.shares, key_of(instruction, turn.number)},
        *batch.rates
    );
    state.log.sent[instruction.peer] += bytes;
    states_[instruction.peer.index()].inbox[{d, turn.slot}].push_back(
        {instruction.payload, instruction.layer, bytes, sent, state.depth}
    );
    enqueue(instruction.peer);
}

/// Returns false if the message has not been sent yet.
bool Timeline::receive(
    DeviceId d, DeviceState& state, const PendingSegment& pending, const Instruction& instruction
) {
    const Batch& batch = pending.running->batch;
    const TurnWork& turn = batch.turns[state.turn_in_batch];
    std::deque<InFlightMessage>& queue = state.inbox[{instruction.peer, turn.slot}];
    if (queue.empty()) {
        return false;
    }
    const InFlightMessage message = queue.front();
    queue.pop_front();
    HEADROOM_CHECK(
        message.payload == instruction.payload && message.layer == instruction.layer &&
            message.bytes == instruction.bytes(turn.tokens),
        "device {} expects {} of layer {} from {}, not {} of layer {}",
        d.value,
        name_of(instruction.payload),
        instruction.layer,
        instruction.peer.value,
        name_of(message.payload),
        message.layer
    );
    if (records_keys_) {
        state.depth = std::max(state.depth, message.depth + 1);
    }
    const Nanoseconds arrival = arrival_after_ingress(d, message.sent, message.bytes, *batch.rates);
    Nanoseconds& clock = clocks_[d.index()];
    const Nanoseconds received = std::max(clock, arrival);
    log_span(d, {Activity::wait, clock, received, instruction.peer, message.sent.number});
    clock = after(received, batch.rates->message_overhead(d));
    log_span(d, {Activity::overhead, received, clock});
    const MessageRecord record{
        instruction.peer,
        d,
        message.payload,
        message.layer,
        message.bytes,
        message.sent.begin,
        arrival,
        turn.number,
    };
    if (arrival == kNever && record.begin != kNever && endless_.messages.empty()) {
        endless_.messages.push_back(record);
    }
    if (settings_.detailed) {
        state.log.records.messages.push_back(record);
    }
    return true;
}

void Timeline::check_done(DeviceId d) const {
    HEADROOM_CHECK(states_[d.index()].pending.empty(), "programs deadlock: {}", waiting_text());
}

std::string Timeline::waiting_text() const {
    std::string text;
    for (std::size_t d = 0; d < devices_; ++d) {
        const DeviceState& state = states_[d];
        if (!state.pending.empty()) {
            const Instruction& wanted =
                (*state.program)[state.pending.front().segment.begin + state.next_instruction];
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

/// Computes the sender's half of a message. Source: docs/explanation/time.md#messages.
Timeline::Transmission Timeline::transmit(const Outgoing& message, const Rates& rates) {
    const auto [from, to, bytes, shares, key] = message;
    Nanoseconds& clock = clocks_[from.index()];
    const Nanoseconds asked = clock;
    clock = after(clock, rates.message_overhead(from));
    std::vector<Nanoseconds>& links_free = link_free_[from.index()];
    links_free.resize(devices_
    ); // only senders get a row: a full table would be large for thousands of devices
    Nanoseconds& link_free = links_free[to.index()];
    Transmission sent;
    const bool capped = rates.egress_capped(from);
    Nanoseconds& egress_free = egress_free_[from.index()];
    sent.begin = std::max({clock, link_free, capped ? egress_free : 0});
    const Delivery drawn = rates.delivery(from, to, key);
    Nanoseconds attempt = sent.begin;
    for (std::int32_t failures = 0;; ++failures) {
        sent.end = std::max(
            rates.link(from, to, attempt, bytes), rates.media(from, to, attempt, bytes, shares)
        );
        if (capped) {
            egress_free = rates.egress(from, attempt, bytes);
            sent.end = std::max(sent.end, egress_free);
        }
        if (failures == drawn.failures) {
            break;
        }
        attempt = after(sent.end, rates.retransmit_timeout(from, to));
    }
    link_free = sent.end;
    const Nanoseconds latency = after(rates.latency(from, to, attempt), drawn.delay);
    sent.first_byte = after(attempt, latency);
    sent.arrival = after(sent.end, latency);
    if (clock_logs_ != nullptr) {
        log_span(from, {Activity::overhead, asked, clock});
        std::vector<SentMessage>& sends = (*clock_logs_)[from.index()].sends;
        sent.number = sends.size();
        sends.push_back({to, clock, sent.begin, sent.end, latency});
    }
    return sent;
}

/// Computes the receiver's half of a message. A capped ingress serves messages in the order of the
/// receiver's program.
Nanoseconds Timeline::arrival_after_ingress(
    DeviceId to, const Transmission& sent, Bytes bytes, const Rates& rates
) {
    if (!rates.ingress_capped(to)) {
        return sent.arrival;
    }
    Nanoseconds& ingress_free = ingress_free_[to.index()];
    ingress_free = rates.ingress(to, std::max(sent.first_byte, ingress_free), bytes);
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
        lower(blocks, placement, source, snapshot.size(), medium_of(snapshot)),
        SnapshotRates(snapshot),
        {context - 1, 1},
        source
    );
}

} // namespace headroom::scheduler
