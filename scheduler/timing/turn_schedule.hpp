// Defines the order in which a device executes turns (forward passes of one sequence each) that are
// in progress together. The order does not depend on what has arrived, so all devices, the runtime
// and the timeline derive the same order.
//
// The sequences in flight are divided into G groups, which the source (the device where prompts
// come in) visits in a fixed cycle. At a visit the turns of the group end and its next turns begin.
// The pass of a turn through the model is called its step. Between two visits every turn in
// progress advances by 1/G of its step, so the groups stay evenly spaced along the step. In a
// pipeline of layers every device then executes turns in the order in which they began. If the
// heads of a layer are on several devices, a device works on one sequence while another device
// collects the outputs of another sequence.
//
// A segment is a part of a device's program that runs without waiting. Each segment has a constant
// key of two numbers. Its phase offset is the time from the start of the step until the segment
// would start if its turn were alone. Its message depth is the largest number of messages on a path
// from the start of the step to the segment. Let P be the duration of the step, so visits are P/G
// apart. A segment with phase offset p, of a turn that began at visit v, is due (scheduled) at
// v·P/G + p. After a visit a device executes the segments that are due before the next visit, in
// the order of these times; at equal times the earlier turn is first, then the smaller depth. The
// rule differs only for the source's last segment, which receives the result: the source executes
// it at the next visit of the group, directly before the first segment of the next turn. Thanks to
// this exception, the next turns of a group need not wait until the turns of all other groups have
// ended. Several batches (of turns computed together) may begin at one visit. Their segments have
// the same keys, so a device executes each segment for all of these batches before the next
// segment.
//
// This order cannot deadlock: the inputs of a segment come from segments with smaller keys.
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

/// Returns the program's segments. Each begins with its receives and ends before the next receive.
[[nodiscard]] std::vector<ProgramSegment> segments_of(const Program& program);

/// Returns whether turns that sample no token (prompt chunks before the last) skip `instruction`.
[[nodiscard]] bool is_sampling_only(const Instruction& instruction, const Blocks& blocks);

/// The position of a segment in a step, by which devices order segments.
struct ScheduleKey {
    Nanoseconds time = 0;   ///< phase offset, from the start of the step
    std::int32_t depth = 0; ///< message depth, which orders segments with equal times
    bool operator==(const ScheduleKey&) const = default;
};

/// The keys of all segments of all devices, and the cycle in which they apply.
struct PhaseOffsets {
    std::int64_t visits = 1; ///< G, the number of visits in a cycle
    Nanoseconds period = 1;  ///< P, the time of one step; above ScheduleKey::time of every key
    std::vector<std::vector<ScheduleKey>> keys; ///< [device][segment]
};

/// Computes the keys of all segments by simulating a single step at the rates of the snapshot. The
/// context of this step is half of the model's maximum, a middle value, because the keys do not
/// change while contexts grow. If the step never ends because a rate is 0, each key's depth is also
/// its time. `one_at_a_time` says that never more than one batch is in progress; then all keys are
/// 0, because nothing has to be ordered. Throws Bug if it is true and `visits` (G) is not 1.
[[nodiscard]] PhaseOffsets phase_offsets(
    const Blocks& blocks,
    const std::vector<Program>& programs,
    const Snapshot& snapshot,
    DeviceId source,
    std::int64_t visits,
    bool one_at_a_time
);

/// The execution of one segment for one batch.
struct Task {
    std::int64_t batch = 0; ///< number of the batch
    std::size_t segment = 0;
    bool operator==(const Task&) const = default;
};

/// The schedule of one device: what it has to execute after every visit of the source, in order.
class TurnSchedule {
  public:
    TurnSchedule() = default;
    TurnSchedule(const PhaseOffsets& offsets, DeviceId device, bool is_source);

    /// Returns whether end() returns a task. This is so on the source if the source's program has
    /// several segments; a single segment is a task of visit().
    [[nodiscard]] bool has_end() const { return is_source_ && keys_.size() > 1; }

    /// Records the source's next visit, at which the batches with these numbers begin (possibly
    /// none). Returns, in order, the tasks that the device executes from this visit until the
    /// following visit.
    [[nodiscard]] std::vector<Task> visit(std::span<const std::int64_t> batches);
    /// Returns the task of the program's last segment for the batch; nothing if has_end() is false.
    [[nodiscard]] std::vector<Task> end(std::int64_t batch) const;

  private:
    struct RunningBatch {
        std::int64_t batch = 0;
        std::int64_t begun = 0; ///< number of the visit at which the batch began
        std::size_t next = 0;   ///< the first segment that is not yet scheduled
    };

    std::vector<ScheduleKey> keys_;
    Nanoseconds period_ = 1;
    std::int64_t visits_ = 1;
    bool is_source_ = false;
    std::int64_t visit_ = 0;
    std::vector<RunningBatch> running_;
};

} // namespace headroom::scheduler
