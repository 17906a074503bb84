#include "scheduler/timing/turn_schedule.hpp"

#include <algorithm>
#include <tuple>

#include "base/check.hpp"
#include "base/wide.hpp"
#include "scheduler/timing/timeline.hpp"

namespace headroom::scheduler {

namespace {} // namespace

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

bool only_when_sampling(const Instruction& instruction, const Blocks& blocks) {
    if (instruction.code == OpCode::compute) {
        return blocks.shape().ends && instruction.block == blocks.lm_head();
    }
    const bool transfer = instruction.code == OpCode::send || instruction.code == OpCode::receive;
    return transfer &&
           (instruction.payload == Payload::last_x || instruction.payload == Payload::sampled);
}

Stagger stagger_of(
    const Blocks& blocks,
    const std::vector<Program>& programs,
    const Snapshot& snapshot,
    DeviceId source,
    std::int64_t visits,
    bool one_at_a_time
) {
    HEADROOM_CHECK(visits == 1 || !one_at_a_time, "{} visits, one batch at a time", visits);
    Stagger stagger;
    stagger.visits = visits;
    if (one_at_a_time) {
        for (const Program& program : programs) {
            stagger.places.emplace_back(segments_of(program).size());
        }
        return stagger;
    }
    const std::int64_t context = std::max<std::int64_t>(1, blocks.shape().context / 2);
    Timeline timeline(blocks, programs.size());
    const Nanoseconds step =
        timeline.turn(programs, SnapshotRates(snapshot), {context - 1, 1, true, 0, 0}, source);
    std::int32_t deepest = 0;
    for (std::size_t d = 0; d < programs.size(); ++d) {
        stagger.places.push_back(timeline.places(DeviceId(d)));
        for (const Place& place : stagger.places.back()) {
            deepest = std::max(deepest, place.depth);
        }
    }
    // Something stands still at that moment: then messages count as time.
    const bool still = step == kNever;
    stagger.period = still ? deepest + 1 : std::max<Nanoseconds>(1, step);
    for (std::vector<Place>& places : stagger.places) {
        for (Place& place : places) {
            place.time = std::min(still ? place.depth : place.time, stagger.period - 1);
        }
    }
    return stagger;
}

Agenda::Agenda(const Stagger& stagger, DeviceId device, bool is_source)
    : places_(stagger.places[device.index()]), period_(stagger.period), visits_(stagger.visits),
      is_source_(is_source) {}

std::vector<Task> Agenda::visit(std::span<const std::int64_t> batches) {
    for (const std::int64_t batch : batches) {
        if (!places_.empty()) {
            running_.push_back({batch, visit_, 0});
        }
    }
    struct Due {
        Nanoseconds at = 0; ///< since this visit
        std::int64_t begun = 0;
        std::int32_t depth = 0;
        Task task;
    };
    std::vector<Due> due;
    const std::size_t end = places_.size() - (has_end() ? 1 : 0);
    for (Running& running : running_) {
        const Wide since = Wide{visit_ - running.begun} * period_;
        for (; running.next < end; ++running.next) {
            const Place& place = places_[running.next];
            const Wide at = Wide{visits_} * place.time - since;
            if (at >= period_) {
                break;
            }
            due.push_back(
                {static_cast<Nanoseconds>(at),
                 running.begun,
                 place.depth,
                 {running.batch, running.next}}
            );
        }
    }
    std::erase_if(running_, [&](const Running& running) { return running.next == end; });
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

std::vector<Task> Agenda::end(std::int64_t batch) const {
    return has_end() ? std::vector<Task>{{batch, places_.size() - 1}} : std::vector<Task>{};
}

} // namespace headroom::scheduler
