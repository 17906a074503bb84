// Walking programs. What a device does next depends on its own program, its clock and the messages
// it waits for, so the order in which devices are walked cannot show in the result.
#include "scheduler/timeline.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace headroom::scheduler {

/// One turn on its way: how far every device has come, and what has been sent to it.
class Timeline::Walk {
  public:
    Walk(
        Timeline& timeline,
        const std::vector<Program>& programs,
        const Rates& rates,
        const TurnWork& work,
        const Overload* overload,
        TimelineLog* log
    )
        : timeline_(timeline), programs_(programs), rates_(rates), work_(work), overload_(overload),
          log_(log), stations_(programs.size()) {}

    void run() {
        bool waiting = true;
        while (waiting) {
            bool advanced = false;
            waiting = false;
            for (std::size_t d = 0; d < programs_.size(); ++d) {
                advanced |= advance(DeviceId(d));
                waiting |= stations_[d].next < programs_[d].size();
            }
            HEADROOM_CHECK(advanced || !waiting, "programs deadlock: {}", waits());
        }
    }

  private:
    /// A message between its send and its receive.
    struct Letter {
        DeviceId from;
        Payload payload = Payload::token;
        std::int32_t layer = -1;
        Bytes bytes = 0;
        Sent sent;
        bool taken = false;
    };

    struct Station {
        std::size_t next = 0; ///< instruction
        std::vector<Letter> inbox;
        std::size_t oldest = 0; ///< letters before it are taken
        bool has_computed = false;
    };

    /// Runs a device until it waits or is done; true if it did anything.
    bool advance(DeviceId d) {
        Station& station = stations_[d.index()];
        const Program& program = programs_[d.index()];
        const std::size_t before = station.next;
        for (; station.next < program.size(); ++station.next) {
            if (!execute(d, program[station.next])) {
                break;
            }
        }
        return station.next != before;
    }

    /// False if it must wait.
    bool execute(DeviceId d, const Instruction& instruction) {
        switch (instruction.code) {
        case OpCode::compute:
            compute(d, instruction.block);
            return true;
        case OpCode::send:
            send(d, instruction);
            return true;
        case OpCode::receive:
            return receive(d, instruction);
        case OpCode::norm:
        case OpCode::finish:
            return true;
        }
        HEADROOM_CHECK(false, "instruction {}", static_cast<int>(instruction.code));
    }

    void compute(DeviceId d, BlockId b) {
        const Nanoseconds start = first_byte_there(d, timeline_.clocks_[d.index()]);
        const Blocks& blocks = *timeline_.blocks_;
        const Nanoseconds end = std::max(
            rates_.compute(d, start, blocks.flops(b, work_.first, work_.tokens)),
            rates_.touch(d, start, blocks.touched_bytes(b, work_.first, work_.tokens))
        );
        timeline_.clocks_[d.index()] = end;
        if (log_ != nullptr) {
            log_->ops.push_back({d, b, start, end});
        }
    }

    /// Paging: what a device holds over its budget is read before its first operation of a turn.
    Nanoseconds first_byte_there(DeviceId d, Nanoseconds start) {
        Station& station = stations_[d.index()];
        const bool first = !station.has_computed;
        station.has_computed = true;
        if (!first || overload_ == nullptr || start == kNever) {
            return start;
        }
        const Bytes over = (*overload_)(d, start);
        return over > 0 ? rates_.storage(d, start, over) : start;
    }

    void send(DeviceId d, const Instruction& instruction) {
        const Bytes bytes = instruction.bytes(work_.tokens);
        const Sent sent = timeline_.transmit(d, instruction.peer, bytes, rates_);
        stations_[instruction.peer.index()].inbox.push_back(
            {d, instruction.payload, instruction.layer, bytes, sent}
        );
    }

    /// False if the message has not been sent yet.
    bool receive(DeviceId d, const Instruction& instruction) {
        Letter* const letter = oldest_from(d, instruction.peer);
        if (letter == nullptr) {
            return false;
        }
        HEADROOM_CHECK(
            letter->payload == instruction.payload && letter->layer == instruction.layer &&
                letter->bytes == instruction.bytes(work_.tokens),
            "device {} expects {} of layer {} from {}, not {} of layer {}",
            d.value,
            name_of(instruction.payload),
            instruction.layer,
            instruction.peer.value,
            name_of(letter->payload),
            letter->layer
        );
        letter->taken = true;
        const Nanoseconds arrival = timeline_.serve(d, letter->sent, letter->bytes, rates_);
        Nanoseconds& clock = timeline_.clocks_[d.index()];
        clock = std::max(clock, arrival);
        if (log_ != nullptr) {
            log_->messages.push_back({
                letter->from,
                d,
                letter->payload,
                letter->layer,
                letter->bytes,
                letter->sent.begin,
                arrival,
            });
        }
        return true;
    }

    Letter* oldest_from(DeviceId d, DeviceId from) {
        Station& station = stations_[d.index()];
        while (station.oldest < station.inbox.size() && station.inbox[station.oldest].taken) {
            ++station.oldest;
        }
        for (std::size_t i = station.oldest; i < station.inbox.size(); ++i) {
            if (station.inbox[i].from == from && !station.inbox[i].taken) {
                return &station.inbox[i];
            }
        }
        return nullptr;
    }

    [[nodiscard]] std::string waits() const {
        std::string text;
        for (std::size_t d = 0; d < programs_.size(); ++d) {
            if (stations_[d].next < programs_[d].size()) {
                const Instruction& wanted = programs_[d][stations_[d].next];
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

    Timeline& timeline_;
    const std::vector<Program>& programs_;
    const Rates& rates_;
    const TurnWork work_;
    const Overload* overload_;
    TimelineLog* log_;
    std::vector<Station> stations_;
};

std::vector<Move> moves_between(
    const Blocks& blocks,
    const Placement& from,
    const Placement& to,
    std::int64_t rows,
    bool weights_everywhere
) {
    HEADROOM_CHECK(
        from.size() == blocks.size() && to.size() == blocks.size(),
        "placements of {} and {} blocks instead of {}",
        from.size(),
        to.size(),
        blocks.size()
    );
    std::vector<Move> moves;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (from[i] != to[i]) {
            const BlockId b(i);
            const Bytes weights = blocks.weight_bytes(b, to);
            const Bytes cache = blocks.cache_row_bytes(b, rows);
            moves.push_back(
                weights_everywhere ? Move{b, from[i], to[i], cache, weights}
                                   : Move{b, from[i], to[i], weights + cache, 0}
            );
        }
    }
    return moves;
}

Timeline::Timeline(const Blocks& blocks, std::size_t devices)
    : blocks_(&blocks), devices_(devices), clocks_(devices), egress_free_(devices),
      ingress_free_(devices), link_free_(devices * devices) {}

Nanoseconds Timeline::turn(
    const std::vector<Program>& programs,
    const Rates& rates,
    const TurnWork& work,
    DeviceId source,
    const Overload* overload,
    TimelineLog* log
) {
    HEADROOM_CHECK(
        programs.size() == devices_ && rates.devices() == devices_,
        "{} programs and rates of {} devices for {}",
        programs.size(),
        rates.devices(),
        devices_
    );
    TimelineLog walked;
    Walk(*this, programs, rates, work, overload, log == nullptr ? nullptr : &walked).run();
    if (log != nullptr) {
        // Within a device the walk already is in program order; a stable sort keeps that.
        std::stable_sort(
            walked.ops.begin(),
            walked.ops.end(),
            [](const OpRecord& a, const OpRecord& b) { return a.device < b.device; }
        );
        std::stable_sort(
            walked.messages.begin(),
            walked.messages.end(),
            [](const MessageRecord& a, const MessageRecord& b) { return a.to < b.to; }
        );
        log->ops.insert(log->ops.end(), walked.ops.begin(), walked.ops.end());
        log->messages.insert(log->messages.end(), walked.messages.begin(), walked.messages.end());
    }
    return clock(source);
}

Nanoseconds Timeline::migrate(
    const std::vector<Move>& moves,
    const Rates& rates,
    Nanoseconds t_switch,
    std::vector<MoveRecord>* log
) {
    if (moves.empty()) {
        return t_switch;
    }
    Nanoseconds resume = t_switch;
    for (Nanoseconds& clock : clocks_) {
        clock = std::max(clock, t_switch);
        resume = std::max(resume, clock);
    }
    std::vector<Nanoseconds> storage_free = clocks_;
    for (const Move& move : moves) {
        const MoveRecord record = carry(move, rates, storage_free[move.to.index()]);
        resume = std::max(resume, record.end);
        if (log != nullptr) {
            log->push_back(record);
        }
    }
    clocks_.assign(devices_, resume);
    return resume;
}

/// One move: its message and its load, whichever it has.
MoveRecord Timeline::carry(const Move& move, const Rates& rates, Nanoseconds& storage_free) {
    MoveRecord record{move, clock(move.from), clock(move.from)};
    if (move.bytes > 0) {
        const Sent sent = transmit(move.from, move.to, move.bytes, rates);
        record.start = sent.begin;
        record.end = serve(move.to, sent, move.bytes, rates);
    }
    if (move.loaded > 0) {
        const Nanoseconds start = storage_free;
        storage_free = rates.storage(move.to, start, move.loaded);
        record.start = move.bytes > 0 ? std::min(record.start, start) : start;
        record.end = move.bytes > 0 ? std::max(record.end, storage_free) : storage_free;
    }
    return record;
}

/// The sender's half of a message; source: design.md §4.
Timeline::Sent Timeline::transmit(DeviceId from, DeviceId to, Bytes bytes, const Rates& rates) {
    Nanoseconds& link_free = link_free_[from.index() * devices_ + to.index()];
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

Nanoseconds predict_migration(
    const Blocks& blocks,
    const Placement& from,
    const Placement& to,
    const Snapshot& snapshot,
    std::int64_t rows,
    bool weights_everywhere
) {
    Timeline timeline(blocks, snapshot.size());
    const std::vector<Move> moves = moves_between(blocks, from, to, rows, weights_everywhere);
    return timeline.migrate(moves, SnapshotRates(snapshot), 0);
}

} // namespace headroom::scheduler
