// The timeline: when each thing of a program happens, found out by walking the programs of all
// devices. The runtime finds the same out by running; the two agree to the nanosecond.
// Source: design.md §4.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/blocks.hpp"
#include "scheduler/fleet.hpp"
#include "scheduler/program.hpp"

namespace headroom::scheduler {

/// The tokens of one turn: n of them at contexts first+1 … first+n. Decode: n = 1, first = T−1.
struct TurnWork {
    std::int64_t first = 0;
    std::int64_t tokens = 1;
};

/// A hub has two of them per turn, after attention and after the ffn; all other blocks have one.
struct OpRecord {
    DeviceId device;
    BlockId block;
    Nanoseconds start = 0;
    Nanoseconds end = 0;
    bool operator==(const OpRecord&) const = default;
};

struct MessageRecord {
    DeviceId from;
    DeviceId to;
    Payload payload = Payload::token;
    std::int32_t layer = -1;
    Bytes bytes = 0;
    Nanoseconds begin = 0;   ///< g: when the link takes it
    Nanoseconds arrival = 0; ///< as the receiver served it, ingress included
    bool operator==(const MessageRecord&) const = default;
};

/// A migration of one block: what moves and how many bytes of it.
struct Move {
    BlockId block;
    DeviceId from;
    DeviceId to;
    Bytes bytes = 0;  ///< sent from the one to the other; 0: no message
    Bytes loaded = 0; ///< read by the target from its own storage
    bool operator==(const Move&) const = default;
};

/// start: when its message or its load begins, whichever is first; end: when the target has both.
struct MoveRecord {
    Move move;
    Nanoseconds start = 0;
    Nanoseconds end = 0;
    bool operator==(const MoveRecord&) const = default;
};

/// Filled in program order per device; devices in id order within one turn. A message stands with
/// the device that received it, which is the one that knows its arrival.
struct TimelineLog {
    std::vector<OpRecord> ops;
    std::vector<MessageRecord> messages;
};

/// Blocks that change their device, in block order, with their bytes: the resident weights under
/// the new placement (norms included; a tied lm_head that lands beside embed takes only its norm;
/// embed always takes its matrix) and `rows` used cache rows. With `weights_everywhere` the weights
/// are loaded and only the rows are sent. Moves of 0 bytes are left in (their owner changes).
[[nodiscard]] std::vector<Move> moves_between(
    const Blocks& blocks,
    const Placement& from,
    const Placement& to,
    std::int64_t rows,
    bool weights_everywhere = false
);

class Timeline {
  public:
    Timeline(const Blocks& blocks, std::size_t devices);

    /// What each device holds over its budget at time t during a turn, for paging; by default
    /// nothing is held over. Arguments: device, start of its first operation.
    using Overload = std::function<Bytes(DeviceId, Nanoseconds)>;

    /// Walks one turn; the source's clock afterwards is when the sampled id is there (kNever if
    /// something does not end). Throws Bug if the programs deadlock.
    /// `log`, if given, gets the records of this turn appended.
    Nanoseconds turn(
        const std::vector<Program>& programs,
        const Rates& rates,
        const TurnWork& work,
        DeviceId source,
        const Overload* overload = nullptr,
        TimelineLog* log = nullptr
    );

    /// Stop-and-copy from t_switch on: clocks become max(own, t_switch), every move is one message
    /// in block order; what a target loads it reads from its storage one block after the other, in
    /// parallel with messages. All clocks become t_resume, which is returned. No moves: no clock
    /// changes. moves: in block order. `log` gets moves of 0 bytes too, with start = end.
    Nanoseconds migrate(
        const std::vector<Move>& moves,
        const Rates& rates,
        Nanoseconds t_switch,
        std::vector<MoveRecord>* log = nullptr
    );

    [[nodiscard]] Nanoseconds clock(DeviceId d) const { return clocks_[d.index()]; }

  private:
    class Walk; ///< one turn on its way

    const Blocks* blocks_;
    std::size_t devices_;
    std::vector<Nanoseconds> clocks_;
    std::vector<Nanoseconds> egress_free_;
    std::vector<Nanoseconds> ingress_free_;
    std::vector<Nanoseconds> link_free_; ///< [from][to]

    struct Sent {
        Nanoseconds begin = 0;
        Nanoseconds end = 0;     ///< when the link is free again
        Nanoseconds arrival = 0; ///< before ingress
        Nanoseconds latency = 0;
    };
    MoveRecord carry(const Move& move, const Rates& rates, Nanoseconds& storage_free);
    Sent transmit(DeviceId from, DeviceId to, Bytes bytes, const Rates& rates);
    Nanoseconds serve(DeviceId to, const Sent& sent, Bytes bytes, const Rates& rates);
};

/// D_inf of a decision: one decode step at context T from the source's token id to the next sampled
/// id there; all devices idle, links empty, the snapshot's rates held, no paging. kNever possible.
[[nodiscard]] Nanoseconds predict_inference(
    const Blocks& blocks,
    const Placement& placement,
    const Snapshot& snapshot,
    DeviceId source,
    std::int64_t context
);

/// D_mig of a decision: t_resume − t_dec at the snapshot's rates. 0 if nothing moves.
[[nodiscard]] Nanoseconds predict_migration(
    const Blocks& blocks,
    const Placement& from,
    const Placement& to,
    const Snapshot& snapshot,
    std::int64_t rows,
    bool weights_everywhere = false
);

} // namespace headroom::scheduler
