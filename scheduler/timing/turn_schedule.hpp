// In which order a device executes the turns that are under way together: never the order of
// arrival, but one that every device derives alike. Runtime and timeline follow the same agenda.
//
// The source visits its slots in a fixed cycle of G visits (a slot, or as many as are joined, per
// visit). At a visit the slot's turn ends and its next one begins. Between two visits every turn
// under way advances by one G-th of its step, so that in the steady state the turns are spread
// evenly over the step: on a ring of layers each device takes what comes first-in first-out, on
// placements that spread heads a device works on another sequence while one is gathered elsewhere.
//
// Where in a step a segment of a program stands is static: its place is when it would start if the
// turn were alone (`Stagger`). A segment of a turn that began at visit v, with place p of a step
// that takes P, is due at v·P + G·p; what is due between two visits is executed in that order, of
// equal ones the earlier turn first. The source's last segment is not due: it is executed at the
// slot's next visit, directly before the next turn's first segment, so that a round is no barrier.
// Several batches may begin at one visit: they have the same places, so each segment is executed
// for all of them before the next, and a device works on one while another is on its way.
//
// It cannot deadlock: a segment's inputs come from segments with smaller places, so there is one
// order of all segments on all devices in which every device goes on.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/units.hpp"
#include "scheduler/core/fleet.hpp"
#include "scheduler/timing/program.hpp"

namespace headroom::scheduler {

/// Instructions [begin, end) of a program.
struct ProgramSegment {
    std::size_t begin = 0;
    std::size_t end = 0;
    bool operator==(const ProgramSegment&) const = default;
};

/// A program cut before every run of receives that is not its beginning.
[[nodiscard]] std::vector<ProgramSegment> segments_of(const Program& program);

/// Part of a turn only if a token is sampled in it: not of a chunk before a prompt's last.
[[nodiscard]] bool only_when_sampling(const Instruction& instruction, const Blocks& blocks);

/// Where a segment stands in a step.
struct Place {
    Nanoseconds time = 0;   ///< when it has its inputs, if the turn is alone
    std::int32_t depth = 0; ///< messages on the longest way to it: orders what takes no time
    bool operator==(const Place&) const = default;
};

/// The places of all segments of all devices.
struct Stagger {
    std::int64_t visits = 1; ///< G
    Nanoseconds period = 1;  ///< P, of one step; above all places
    std::vector<std::vector<Place>> places;
};

/// Of a step at half the shape's context with the rates at one moment held. If only one batch can
/// be under way at a time no places are needed: then all are 0.
[[nodiscard]] Stagger stagger_of(
    const Blocks& blocks,
    const std::vector<Program>& programs,
    const Snapshot& snapshot,
    DeviceId source,
    std::int64_t visits,
    bool one_at_a_time
);

/// What a device executes next.
struct Task {
    std::int64_t batch = 0; ///< as the source numbered it
    std::size_t segment = 0;
    bool operator==(const Task&) const = default;
};

class Agenda {
  public:
    Agenda() = default;
    Agenda(const Stagger& stagger, DeviceId device, bool is_source);

    /// On the source a turn has an end of its own, at the slot's next visit.
    [[nodiscard]] bool has_end() const { return is_source_ && places_.size() > 1; }

    /// The source visits its next slot, where these batches of turns begin, if any: what is to be
    /// executed until its next visit.
    [[nodiscard]] std::vector<Task> visit(std::span<const std::int64_t> batches);
    /// The rest of a batch: nothing but on the source.
    [[nodiscard]] std::vector<Task> end(std::int64_t batch) const;

  private:
    struct Running {
        std::int64_t batch = 0;
        std::int64_t begun = 0; ///< visit
        std::size_t next = 0;   ///< segment
    };

    std::vector<Place> places_;
    Nanoseconds period_ = 1;
    std::int64_t visits_ = 1;
    bool is_source_ = false;
    std::int64_t visit_ = 0;
    std::vector<Running> running_;
};

} // namespace headroom::scheduler
