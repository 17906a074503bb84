// The timeline: when each thing of a program happens, found out by walking the programs of all
// devices. The runtime finds the same out by running; the two agree to the nanosecond. Source:
// docs/explanation/time.md.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "base/units.hpp"
#include "scheduler/core/blocks.hpp"
#include "scheduler/core/fleet.hpp"
#include "scheduler/timing/program.hpp"
#include "scheduler/timing/turn_schedule.hpp"

namespace headroom::scheduler {

/// The tokens of one turn: n of them at contexts first+1 … first+n. Decode: n = 1, first = T−1.
struct TurnWork {
    std::int64_t first = 0;
    std::int64_t tokens = 1;
    bool samples = true;     ///< no token comes of a chunk before a prompt's last: no lm_head
    std::int32_t slot = 0;   ///< tells messages of different sequences apart
    std::int64_t number = 0; ///< of the turn, for the records
    bool operator==(const TurnWork&) const = default;
};

/// What an operation of joined turns takes. One that only samples is not for turns that do not;
/// nothing may be left of it.
[[nodiscard]] OperationCost cost_of(
    const Blocks& blocks, BlockId b, std::span<const TurnWork> turns, bool sampling
);

/// Turns that are executed in lockstep: an operation of theirs is one operation (OperationCost).
/// Messages stay apart.
struct Batch {
    std::vector<TurnWork> turns;        ///< at least one
    std::shared_ptr<const Rates> rates; ///< as turns see them that begin now
};

/// A hub has two of them per turn, after attention and after the ffn; all other blocks have one. Of
/// a batch it stands with the first turn.
struct OpRecord {
    DeviceId device;
    BlockId block;
    Nanoseconds start = 0;
    Nanoseconds end = 0;
    std::int64_t turn = 0;
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
    std::int64_t turn = 0;
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

/// Filled in program order per device, device after device. A message stands with the device that
/// received it, which is the one that knows its arrival.
struct TimelineLog {
    std::vector<OpRecord> ops;
    std::vector<MessageRecord> messages;
};

/// What one device did between two marks.
struct DeviceLog {
    TimelineLog records;            ///< if they are wanted
    std::map<DeviceId, Bytes> sent; ///< payload bytes per target
    Nanoseconds busy = 0;           ///< computing
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

    /// Before a device's first operation of a batch.
    struct FirstOperation {
        DeviceId device;
        Nanoseconds start = 0;
        std::int64_t cached = 0; ///< as hold_cached said when the source began or ended the batch
        const Rates& rates;      ///< as the batch sees them
    };
    /// What the device holds over its budget then, for paging; by default nothing is held over.
    using Overload = std::function<Bytes(const FirstOperation&)>;

    /// Walks one turn alone; the source's clock afterwards is when the sampled id is there (kNever
    /// if something does not end). Throws Bug if the programs deadlock.
    /// `log`, if given, gets the records of this turn appended.
    Nanoseconds turn(
        const std::vector<Program>& programs,
        const Rates& rates,
        const TurnWork& work,
        DeviceId source,
        const Overload* overload = nullptr,
        TimelineLog* log = nullptr
    );

    // Several turns under way at once: what the source does, one call after the other, and every
    // device follows in the order of its agenda (turn_schedule.hpp). After each call all have come
    // as far as they can.

    struct Settings {
        DeviceId source;
        Overload overload{};   ///< may be empty
        bool detailed = false; ///< keep records of operations and messages
    };

    /// From now on turns run these programs, which must outlive them, in this stagger.
    /// Precondition: nothing is under way.
    void install(const std::vector<Program>* programs, const Stagger& stagger, Settings settings);
    /// For `Overload`: the caches' size from here on.
    void hold_cached(std::int64_t cached) { cached_ = cached; }
    /// The source visits its next slot, where these batches begin, if any. Returns the number of
    /// the first; those of the others follow.
    std::int64_t visit(std::vector<Batch> batches);
    /// The source's last segment of a batch; returns its clock: when the ids are there. Throws Bug
    /// if it cannot get there.
    Nanoseconds end(std::int64_t batch);
    /// Must `end` be called before the source's clock is a batch's end?
    [[nodiscard]] bool has_end() const;
    /// Of the segments that a device has executed since `install`, in order.
    [[nodiscard]] const std::vector<Place>& places(DeviceId d) const {
        return stations_[d.index()].places;
    }
    /// What every device has done since the last mark, up to this place in its agenda.
    [[nodiscard]] std::vector<DeviceLog> mark();
    /// An idle device: the source waits for a request.
    void raise(DeviceId d, Nanoseconds time);
    /// What has begun and never ends, if anything: one of each, the first that was found.
    [[nodiscard]] const TimelineLog& endless() const { return endless_; }

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
    struct Sent {
        Nanoseconds begin = 0;
        Nanoseconds end = 0;     ///< when the link is free again
        Nanoseconds arrival = 0; ///< before ingress
        Nanoseconds latency = 0;
    };

    /// A message between its send and its receive.
    struct Letter {
        Payload payload = Payload::token;
        std::int32_t layer = -1;
        Bytes bytes = 0;
        Sent sent;
        std::int32_t depth = 0; ///< of the segment that sent it
    };

    /// A batch under way.
    struct Running {
        Batch batch;
        std::vector<bool> has_computed; ///< per device
    };

    struct Work {
        std::shared_ptr<Running> running; ///< none: a mark
        ProgramSegment segment;
        std::int64_t cached = 0;
    };

    /// One device on its way.
    struct Station {
        const Program* program = nullptr;
        std::vector<ProgramSegment> segments;
        Agenda agenda;
        std::deque<Work> work;
        std::size_t next = 0; ///< instruction within the present segment
        std::size_t turn = 0; ///< and whose of the batch
        /// By sender and slot, each in the order of sending.
        std::map<std::pair<DeviceId, std::int32_t>, std::deque<Letter>> inbox;
        DeviceLog log;
        std::vector<Place> places;
        std::int32_t depth = 0; ///< of the present segment
        bool placed = false;    ///< the present segment's place is known
        bool queued = false;
    };

    void give(DeviceId d, const std::vector<Task>& tasks);
    void wake(DeviceId d);
    void walk();
    void advance(DeviceId d);
    void note_place(DeviceId d, Station& station);
    bool execute(DeviceId d, Station& station, const Work& work);
    void compute(DeviceId d, Station& station, const Work& work, BlockId b, bool sampling);
    Nanoseconds paged(DeviceId d, const Work& work, Nanoseconds start);
    void send(DeviceId d, Station& station, const Work& work, const Instruction& instruction);
    bool receive(DeviceId d, Station& station, const Work& work, const Instruction& instruction);
    void check_done(DeviceId d) const;
    [[nodiscard]] std::string waits() const;
    MoveRecord carry(const Move& move, const Rates& rates, Nanoseconds& storage_free);
    Sent transmit(DeviceId from, DeviceId to, Bytes bytes, const Rates& rates);
    Nanoseconds serve(DeviceId to, const Sent& sent, Bytes bytes, const Rates& rates);

    const Blocks* blocks_;
    std::size_t devices_;
    std::vector<Nanoseconds> clocks_;
    std::vector<Nanoseconds> egress_free_;
    std::vector<Nanoseconds> ingress_free_;
    std::vector<std::vector<Nanoseconds>> link_free_; ///< [from][to], of those that have sent

    Settings settings_;
    std::vector<Station> stations_;
    std::vector<DeviceId> active_; ///< devices with anything to do in a turn
    std::deque<DeviceId> ready_;
    std::map<std::int64_t, std::shared_ptr<Running>> running_;
    std::int64_t batches_ = 0;
    bool notes_places_ = false;
    std::int64_t cached_ = 0;
    TimelineLog endless_;
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
