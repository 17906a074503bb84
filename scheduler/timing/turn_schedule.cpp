#include "scheduler/timing/turn_schedule.hpp"

#include <algorithm>
#include <tuple>

#include "base/check.hpp"
#include "base/int128.hpp"
#include "scheduler/timing/timeline.hpp"

namespace headroom::scheduler {

std::vector<ProgramSegment> segments_of(const Program& program) {
    std::vector<ProgramSegment> segments;
    for (std::size_t i = 0; i < program.size(); ++i) {
        const bool waits = program[i].code == OpCode::receive;
        if (i == 0 || (waits && program[i - 1].code != OpCode::receive)) {
            segments.push_back({i, i});
        }
        ++segments.back().end;
    }
    return segments;
}

bool is_sampling_only(const Instruction& instruction, const Blocks& blocks) {
    if (instruction.code == OpCode::compute) {
        return blocks.shape().has_ends && instruction.block == blocks.lm_head();
    }
    const bool transfer = instruction.code == OpCode::send || instruction.code == OpCode::receive;
    return transfer &&
           (instruction.payload == Payload::last_x || instruction.payload == Payload::sampled);
}

PhaseOffsets phase_offsets(
    const Blocks& blocks,
    const std::vector<Program>& programs,
    const Snapshot& snapshot,
    DeviceId source,
    std::int64_t visits,
    bool one_at_a_time
) {
    HEADROOM_CHECK(visits == 1 || !one_at_a_time, "{} visits, one batch at a time", visits);
    PhaseOffsets offsets;
    offsets.visits = visits;
    if (one_at_a_time) {
        for (const Program& program : programs) {
            offsets.keys.emplace_back(segments_of(program).size());
        }
        return offsets;
    }
    const std::int64_t context = std::max<std::int64_t>(1, blocks.shape().context / 2);
    Timeline timeline(blocks, programs.size());
    const Nanoseconds step =
        timeline.turn(programs, SnapshotRates(snapshot), {context - 1, 1, true, 0, 0}, source);
    std::int32_t deepest = 0;
    for (std::size_t d = 0; d < programs.size(); ++d) {
        offsets.keys.push_back(timeline.schedule_keys(DeviceId(d)));
        for (const ScheduleKey& key : offsets.keys.back()) {
            deepest = std::max(deepest, key.depth);
        }
    }
    // If a rate is 0 at that moment the step never ends. Then the depth serves as the time.
    const bool never_ends = step == kNever;
    offsets.period = never_ends ? deepest + 1 : std::max<Nanoseconds>(1, step);
    for (std::vector<ScheduleKey>& keys : offsets.keys) {
        for (ScheduleKey& key : keys) {
            key.time = std::min(never_ends ? key.depth : key.time, offsets.period - 1);
        }
    }
    return offsets;
}

TurnSchedule::TurnSchedule(const PhaseOffsets& offsets, DeviceId device, bool is_source)
    : keys_(offsets.keys[device.index()]), period_(offsets.period), visits_(offsets.visits),
      is_source_(is_source) {}

std::vector<Task> TurnSchedule::visit(std::span<const std::int64_t> batches) {
    for (const std::int64_t batch : batches) {
        if (!keys_.empty()) {
            running_.push_back({batch, visit_, 0});
        }
    }
    struct Due {
        Nanoseconds at = 0;     ///< time since the present visit
        std::int64_t begun = 0; ///< number of the visit at which the batch began
        std::int32_t depth = 0;
        Task task;
    };
    std::vector<Due> due;
    const std::size_t end = keys_.size() - (has_end() ? 1 : 0);
    for (RunningBatch& running : running_) {
        const Int128 since = Int128{visit_ - running.begun} * period_;
        for (; running.next < end; ++running.next) {
            const ScheduleKey& key = keys_[running.next];
            const Int128 at = Int128{visits_} * key.time - since;
            if (at >= period_) {
                break;
            }
            due.push_back(
                {static_cast<Nanoseconds>(at),
                 running.begun,
                 key.depth,
                 {running.batch, running.next}}
            );
        }
    }
    std::erase_if(running_, [&](const RunningBatch& running) { return running.next == end; });
    ++visit_;
    std::stable_sort(due.begin(), due.end(), [](const Due& a, const Due& b) {
        return std::tie(a.at, a.begun, a.depth) < std::tie(b.at, b.begun, b.depth);
    });
    std::vector<Task> tasks;
    for (const Due& one : due) {
        tasks.push_back(one.task);
    }
    return tasks;
}

std::vector<Task> TurnSchedule::end(std::int64_t batch) const {
    return has_end() ? std::vector<Task>{{batch, keys_.size() - 1}} : std::vector<Task>{};
}

} // namespace headroom::scheduler
