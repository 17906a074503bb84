// Computes the times of a run again with the timeline and compares them with the recorded ones.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/check.hpp"
#include "runtime/setup/workload_description.hpp"
#include "scheduler/timing/timeline.hpp"
#include "support/fleet_run.hpp"

namespace headroom::support {

namespace {

using scheduler::Placement;

/// Repeats the visits of the source in the recorded order on a timeline, and compares all times.
class Checker {
  public:
    Checker(const config::Scenario& scenario, const trace::Trace& trace, scheduler::Blocks blocks)
        : scenario_(scenario), trace_(trace), blocks_(std::move(blocks)),
          source_(scenario.fleet.source), timeline_(blocks_, scenario.fleet.size()),
          begun_(turns_of(trace)),
          buffers_(
              scheduler::buffer_bytes(blocks_.shape(), turn_sizes(trace, scenario), blocks_.cut())
          ) {
        for (const trace::TurnRow& turn : begun_) {
            last_turn_[turn.sequence] = turn.turn;
        }
    }

    std::string check() {
        for (const trace::Interval& interval : trace_.intervals) {
            decide(interval);
            for (const trace::TurnRow& turn : interval.turns) {
                if (turn.epoch == interval.row.epoch && !installed_) {
                    install(interval);
                }
                end(turn);
            }
            if (!installed_) {
                install(interval);
            }
            if (!problem_.empty()) {
                return problem_;
            }
        }
        if (trace_.header.with_ops && next_ == begun_.size()) {
            compare_records();
        }
        return problem_;
    }

  private:
    void expect(Nanoseconds measured, Nanoseconds walked, const std::string& what) {
        if (measured != walked && problem_.empty()) {
            problem_ = fmt::format("{}: measured {} ns, walked {} ns", what, measured, walked);
        }
    }

    /// Raises the source's clock to `time` if the source was idle and a request arrived then.
    void wait_for_request(Nanoseconds time) {
        const bool idle = under_way_.empty();
        for (const trace::Interval& interval : trace_.intervals) {
            for (const trace::RequestRow& request : interval.requests) {
                if (idle && request.arrival == time) {
                    timeline_.advance_clock(source_, time);
                }
            }
        }
    }

    /// Begins an interval. A new placement is installed later, when no turn is under way.
    void decide(const trace::Interval& interval) {
        wait_for_request(interval.row.t_dec);
        expect(
            interval.row.t_dec,
            timeline_.clock(source_),
            fmt::format("t_dec at token {}", interval.row.first_token)
        );
        installed_ = placement_ && interval.row.epoch == epoch_;
    }

    void install(const trace::Interval& interval) {
        const trace::IntervalRow& row = interval.row;
        if (!under_way_.empty()) {
            problem_ = "turns are under way at a switch";
            return;
        }
        Placement next;
        for (const std::int32_t device : interval.placement) {
            next.emplace_back(device);
        }
        if (placement_) {
            expect(row.t_switch, timeline_.clock(source_), "t_switch");
            migrate(interval, next, row.epoch);
        }
        placement_ = next;
        epoch_ = row.epoch;
        installed_ = true;
        programs_ = scheduler::lower(
            blocks_, next, source_, scenario_.fleet.size(), scheduler::medium_of(scenario_.fleet)
        );
        const scheduler::PhaseOffsets offsets = scheduler::phase_offsets(
            blocks_,
            programs_,
            scheduler::take_snapshot(scenario_.fleet, row.t_dec, seen_by_decision(row)),
            source_,
            (scenario_.workload.slots() + row.batch - 1) / row.batch,
            scenario_.workload.slots() == 1
        );
        timeline_.install(
            &programs_,
            offsets,
            {source_,
             [this](const scheduler::Timeline::FirstOperation& first) { return over(first); },
             true}
        );
        visits_per_cycle_ = offsets.visits;
    }

    /// Returns up to which token the interval's decision saw events.
    std::int64_t seen_by_decision(const trace::IntervalRow& row) const {
        return trace_.header.semantics() == trace::kFirstSemantics ? tokens_seen_ : row.first_token;
    }

    void migrate(const trace::Interval& interval, const Placement& next, std::int64_t epoch) {
        const trace::IntervalRow& row = interval.row;
        free_caches();
        scheduler::CacheRows rows;
        for (const auto& [sequence, used] : rows_) {
            rows += blocks_.kept_rows(used);
        }
        const auto moves = scheduler::moves_between(
            blocks_,
            *placement_,
            next,
            rows,
            scenario_.controller.weights == config::WeightsMode::everywhere
        );
        const scheduler::FleetRates rates(scenario_.fleet, seen_by_decision(row));
        std::vector<scheduler::MoveRecord> log;
        const Nanoseconds resume = timeline_.migrate(
            moves, rates, row.t_switch, &log, {epoch, scheduler::medium_of(scenario_.fleet)}
        );
        expect(row.t_resume, resume, fmt::format("t_resume at token {}", row.first_token));
        if (log.size() != interval.migrations.size()) {
            problem_ = "another number of migrations";
            return;
        }
        for (std::size_t i = 0; i < log.size(); ++i) {
            expect(interval.migrations[i].start, log[i].start, "start of a migration");
            expect(interval.migrations[i].end, log[i].end, "end of a migration");
            expect(interval.migrations[i].bytes, log[i].move.bytes, "bytes of a migration");
            expect(interval.migrations[i].loaded_bytes, log[i].move.loaded, "loaded bytes of it");
        }
    }

    Bytes over(const scheduler::Timeline::FirstOperation& first) const {
        Bytes held = 0;
        for (std::size_t i = 0; i < placement_->size(); ++i) {
            if ((*placement_)[i] == first.device) {
                held += blocks_.weight_bytes(BlockId(i), *placement_) +
                        blocks_.cache_row_bytes(BlockId(i), first.cached_rows);
            }
        }
        held += held > 0 ? buffers_ : 0;
        return std::max<Bytes>(0, held - first.rates.memory(first.device, first.start));
    }

    void set_cached_rows() {
        scheduler::CacheRows paged;
        for (const auto& [sequence, rows] : rows_) {
            paged += blocks_.paged_rows(rows);
        }
        timeline_.set_cached_rows(paged);
    }

    /// Ends a turn: when the source visits its slot again, or at once if it has no last segment.
    void end(const trace::TurnRow& turn) {
        const std::int64_t at = turn.visit + (timeline_.has_end() ? visits_per_cycle_ : 1);
        while (visit_ < at && problem_.empty()) {
            visit();
        }
        if (!problem_.empty()) {
            return;
        }
        const auto batch = under_way_.find(turn.batch);
        if (batch != under_way_.end()) {
            (void)timeline_.end(batch->second);
            under_way_.erase(batch);
        }
        expect(turn.end, timeline_.clock(source_), fmt::format("end of turn {}", turn.turn));
        if (last_turn_.at(turn.sequence) == turn.turn) {
            ended_.push_back(turn.sequence);
        }
    }

    /// Frees the caches of ended sequences, when a turn begins or blocks move.
    void free_caches() {
        for (const std::int32_t sequence : std::exchange(ended_, {})) {
            rows_.erase(sequence);
        }
        set_cached_rows();
    }

    void visit() {
        std::vector<scheduler::Batch> batches;
        std::vector<std::int64_t> begun;
        if (next_ < begun_.size() && begun_[next_].visit <= visit_) {
            free_caches();
            wait_for_request(begun_[next_].start);
        }
        while (next_ < begun_.size() && begun_[next_].visit <= visit_ && problem_.empty()) {
            begun.push_back(begun_[next_].turn);
            batches.push_back(begin_batch());
        }
        set_cached_rows();
        if (!problem_.empty()) {
            return;
        }
        std::int64_t number = timeline_.visit(std::move(batches));
        for (const std::int64_t batch : begun) {
            under_way_[batch] = number++;
        }
        ++visit_;
    }

    /// Returns the batch that the next turn begins.
    scheduler::Batch begin_batch() {
        const trace::TurnRow& first = begun_[next_];
        expect(first.start, timeline_.clock(source_), fmt::format("start of turn {}", first.turn));
        scheduler::Batch batch;
        for (; next_ < begun_.size() && begun_[next_].batch == first.turn; ++next_) {
            const trace::TurnRow& turn = begun_[next_];
            batch.turns.push_back({turn.first, turn.tokens, turn.samples != 0, turn.slot, turn.turn}
            );
            rows_[turn.sequence] = turn.first + turn.tokens;
        }
        if (batch.turns.empty() || first.visit != visit_) {
            problem_ = fmt::format("turn {} is in no batch, or begins too early", first.turn);
            return batch;
        }
        tokens_seen_ = first.seen_tokens;
        batch.rates = std::make_shared<scheduler::FleetRates>(scenario_.fleet, first.seen_tokens);
        return batch;
    }

    /// Sorts rows of all intervals by turn, then device, then program order.
    template <class Row>
    static void sort_rows(std::vector<Row>& rows, std::int32_t Row::*device) {
        std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
            return std::pair(a.turn, a.*device) < std::pair(b.turn, b.*device);
        });
    }

    void compare_records() {
        std::vector<trace::OpRow> ops;
        std::vector<trace::MessageRow> messages;
        for (const trace::Interval& interval : trace_.intervals) {
            ops.insert(ops.end(), interval.ops.begin(), interval.ops.end());
            messages.insert(messages.end(), interval.messages.begin(), interval.messages.end());
        }
        std::vector<trace::OpRow> walked_ops;
        std::vector<trace::MessageRow> walked_messages;
        for (const scheduler::DeviceLog& device : timeline_.take_logs()) {
            for (const scheduler::OpRecord& op : device.records.ops) {
                walked_ops.push_back({op.turn, op.device.value, op.block.value, op.start, op.end});
            }
            for (const scheduler::MessageRecord& m : device.records.messages) {
                walked_messages.push_back(
                    {m.turn,
                     m.from.value,
                     m.to.value,
                     static_cast<std::int32_t>(m.payload),
                     m.layer,
                     m.bytes,
                     m.begin,
                     m.arrival}
                );
            }
        }
        sort_rows(ops, &trace::OpRow::device);
        sort_rows(walked_ops, &trace::OpRow::device);
        sort_rows(messages, &trace::MessageRow::to);
        sort_rows(walked_messages, &trace::MessageRow::to);
        compare(ops, walked_ops);
        compare(messages, walked_messages);
    }

    void compare(const std::vector<trace::OpRow>& rows, const std::vector<trace::OpRow>& walked) {
        expect(
            static_cast<Nanoseconds>(rows.size()),
            static_cast<Nanoseconds>(walked.size()),
            "operations"
        );
        for (std::size_t i = 0; i < rows.size() && problem_.empty(); ++i) {
            const trace::OpRow& a = rows[i];
            const trace::OpRow& b = walked[i];
            if (a.turn != b.turn || a.device != b.device || a.block != b.block) {
                problem_ = fmt::format("operation {} of turn {} is another one", i, a.turn);
            }
            expect(a.start, b.start, fmt::format("start of op {} of turn {}", i, a.turn));
            expect(a.end, b.end, fmt::format("end of op {} of turn {}", i, a.turn));
        }
    }

    void compare(
        const std::vector<trace::MessageRow>& rows, const std::vector<trace::MessageRow>& walked
    ) {
        expect(
            static_cast<Nanoseconds>(rows.size()),
            static_cast<Nanoseconds>(walked.size()),
            "messages"
        );
        for (std::size_t i = 0; i < rows.size() && problem_.empty(); ++i) {
            const trace::MessageRow& a = rows[i];
            const trace::MessageRow& b = walked[i];
            if (a.turn != b.turn || a.from != b.from || a.to != b.to || a.kind != b.kind) {
                problem_ = fmt::format("message {} of turn {} is another one", i, a.turn);
            }
            expect(a.begin, b.begin, fmt::format("begin of message {} of turn {}", i, a.turn));
            expect(a.arrival, b.arrival, fmt::format("arrival of message {} of {}", i, a.turn));
            expect(a.bytes, b.bytes, "bytes of a message");
        }
    }

    const config::Scenario& scenario_;
    const trace::Trace& trace_;
    scheduler::Blocks blocks_;
    DeviceId source_;
    scheduler::Timeline timeline_;
    std::vector<trace::TurnRow> begun_;
    std::size_t next_ = 0; ///< the turn that begins next
    Bytes buffers_;
    std::map<std::int32_t, std::int64_t> last_turn_; ///< by sequence
    std::map<std::int32_t, std::int64_t> rows_;      ///< cache rows, by sequence in flight
    std::vector<std::int32_t> ended_;                ///< sequences whose caches are not freed yet
    std::map<std::int64_t, std::int64_t> under_way_; ///< number in the timeline, by batch
    std::int64_t visit_ = 0;                         ///< number of the next visit
    std::int64_t visits_per_cycle_ = 1;
    std::int64_t tokens_seen_ = 0; ///< tokens sampled before the last turn began
    std::int64_t epoch_ = -1;
    bool installed_ = false; ///< the interval's placement is installed
    std::optional<Placement> placement_;
    std::vector<scheduler::Program> programs_;
    std::string problem_;
};

} // namespace

std::vector<std::int64_t> prompt_lengths(const trace::Trace& trace) {
    std::vector<std::int64_t> lengths;
    for (const trace::Interval& interval : trace.intervals) {
        for (const trace::TokenRow& token : interval.tokens) {
            lengths.resize(std::max(lengths.size(), static_cast<std::size_t>(token.sequence) + 1));
            lengths[static_cast<std::size_t>(token.sequence)] += token.is_prompt;
        }
    }
    return lengths;
}

std::string timeline_difference(const config::Scenario& scenario, const trace::Trace& trace) {
    if (trace.intervals.empty()) {
        return "the run has no interval";
    }
    const model::GgufFile file(scenario.model_file);
    const scheduler::Blocks blocks(runtime::model_of(scenario, file), scenario.controller.cut());
    try {
        return Checker(scenario, trace, blocks).check();
    } catch (const Bug& bug) {
        return bug.what(); // the timeline refuses this order of turns
    }
}

} // namespace headroom::support
