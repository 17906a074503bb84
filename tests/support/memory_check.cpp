// Compares the memory in a trace with the closed forms.
#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "runtime/setup/workload_description.hpp"
#include "scheduler/timing/program.hpp"
#include "scheduler/timing/turn_schedule.hpp"
#include "support/fleet_run.hpp"

namespace headroom::support {

namespace {

scheduler::Placement placement_of(const trace::Interval& interval) {
    scheduler::Placement placement;
    for (const std::int32_t device : interval.placement) {
        placement.emplace_back(device);
    }
    return placement;
}

/// Returns the bytes of weights, caches of so many rows, and buffers if the device has a block.
Bytes held(
    const scheduler::Blocks& blocks,
    Bytes buffers,
    const trace::Interval& interval,
    std::int32_t device,
    const scheduler::CacheRows& paged
) {
    const scheduler::Placement placement = placement_of(interval);
    Bytes sum = 0;
    for (std::size_t i = 0; i < placement.size(); ++i) {
        if (placement[i].value == device) {
            sum += blocks.resident_bytes(BlockId(i), paged, placement);
        }
    }
    return sum > 0 ? sum + buffers : 0;
}

/// Follows the number of cache rows of all slots, in whole pages, through the visits of the source.
class CacheRows {
  public:
    CacheRows(
        const config::Scenario& scenario, const scheduler::Blocks& blocks, const trace::Trace& trace
    )
        : blocks_(&blocks), begun_(turns_of(trace)) {
        for (const trace::Interval& interval : trace.intervals) {
            visits_[interval.row.epoch] = visits_of_a_turn(scenario, blocks, interval);
        }
        for (const trace::TurnRow& turn : begun_) {
            last_turn_[turn.sequence] = turn.turn;
        }
    }

    struct Span {
        scheduler::CacheRows max;  ///< the largest numbers of rows within the interval
        scheduler::CacheRows last; ///< the numbers of rows at its end
    };

    /// Advances to the end of the interval. The caches of a turn grow when it begins. Those of an
    /// ended sequence are freed when the next turn begins or blocks move.
    Span advance(const trace::Interval& interval) {
        Span span{total(), {}};
        for (const trace::TurnRow& over : interval.turns) {
            install(interval, over.epoch);
            begin_until(over, span);
            if (last_turn_.at(over.sequence) == over.turn) {
                ended_.push_back(over.sequence);
            }
        }
        install(interval, interval.row.epoch);
        span.last = total();
        return span;
    }

  private:
    /// The interval's placement is installed after the last turn under the previous placement.
    void install(const trace::Interval& interval, std::int64_t epoch) {
        if (epoch == interval.row.epoch && epoch != epoch_) {
            epoch_ = epoch;
            free_caches();
        }
    }

    void free_caches() {
        for (const std::int32_t sequence : std::exchange(ended_, {})) {
            rows_.erase(sequence);
        }
    }

    /// Returns the visits from a turn's begin to its end: a cycle, or 1 if all blocks are on the
    /// source.
    static std::int64_t visits_of_a_turn(
        const config::Scenario& scenario,
        const scheduler::Blocks& blocks,
        const trace::Interval& interval
    ) {
        const DeviceId source = scenario.fleet.source;
        const auto programs = scheduler::lower(
            blocks,
            placement_of(interval),
            source,
            scenario.fleet.size(),
            scheduler::medium_of(scenario.fleet)
        );
        const std::int64_t batch = interval.row.batch;
        return scheduler::segments_of(programs[source.index()]).size() > 1
                   ? (scenario.workload.slots() + batch - 1) / batch
                   : 1;
    }

    void begin_until(const trace::TurnRow& over, Span& span) {
        for (; next_ < begun_.size(); ++next_) {
            const trace::TurnRow& turn = begun_[next_];
            if (turn.visit >= over.visit + visits_.at(over.epoch)) {
                return;
            }
            free_caches();
            rows_[turn.sequence] = blocks_->paged_rows(turn.first + turn.tokens);
            const scheduler::CacheRows all = total();
            span.max.all = std::max(span.max.all, all.all);
            span.max.windowed = std::max(span.max.windowed, all.windowed);
        }
    }

    [[nodiscard]] scheduler::CacheRows total() const {
        scheduler::CacheRows sum;
        for (const auto& [sequence, rows] : rows_) {
            sum += rows;
        }
        return sum;
    }

    const scheduler::Blocks* blocks_;
    std::vector<trace::TurnRow> begun_;
    std::size_t next_ = 0;
    std::map<std::int64_t, std::int64_t> visits_;    ///< visits of a turn, by epoch
    std::map<std::int32_t, std::int64_t> last_turn_; ///< by sequence
    std::map<std::int32_t, scheduler::CacheRows> rows_;
    std::vector<std::int32_t> ended_; ///< sequences whose caches are not freed yet
    std::int64_t epoch_ = -1;
};

} // namespace

std::string memory_difference(const config::Scenario& scenario, const trace::Trace& trace) {
    if (trace.intervals.empty()) {
        return "the run has no interval";
    }
    const model::GgufFile file(scenario.model_file);
    const scheduler::Cut cut = scenario.controller.cut();
    const scheduler::Blocks blocks(runtime::model_of(scenario, file), cut);
    const Bytes buffers = scheduler::buffer_bytes(blocks.shape(), turn_sizes(trace, scenario), cut);
    CacheRows rows(scenario, blocks, trace);
    const trace::Interval* previous = nullptr;
    for (const trace::Interval& interval : trace.intervals) {
        const CacheRows::Span span = rows.advance(interval);
        for (const trace::ResourceRow& row : interval.resources) {
            const Bytes after = held(blocks, buffers, interval, row.device, span.last);
            const Bytes peak = std::max(
                held(blocks, buffers, interval, row.device, span.max),
                previous == nullptr ? 0 : held(blocks, buffers, *previous, row.device, span.max)
            );
            if (row.memory_used_bytes != after || row.memory_peak_bytes > peak) {
                return fmt::format(
                    "interval {}, device {}: holds {} B, at most {} B; expected {} B, at most {} B",
                    row.interval,
                    row.device,
                    row.memory_used_bytes,
                    row.memory_peak_bytes,
                    after,
                    peak
                );
            }
        }
        previous = &interval;
    }
    return "";
}

} // namespace headroom::support
