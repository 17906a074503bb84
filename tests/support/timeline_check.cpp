// The other half of "one timeline": what the ranks measured, found out a second time by walking.
#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "model/weights.hpp"
#include "runtime/shape.hpp"
#include "scheduler/timeline.hpp"
#include "support/fleet_run.hpp"

namespace headroom::support {

namespace {

using scheduler::Placement;

class Checker {
  public:
    Checker(const config::Scenario& scenario, const trace::Trace& trace, scheduler::Blocks blocks)
        : scenario_(scenario), trace_(trace), blocks_(std::move(blocks)),
          timeline_(blocks_, scenario.fleet.size()), prompts_(prompt_lengths(trace)),
          buffers_(scheduler::buffer_bytes(
              blocks_.shape(), *std::max_element(prompts_.begin(), prompts_.end()), blocks_.cut()
          )) {}

    std::string check() {
        for (const trace::Interval& interval : trace_.intervals) {
            place(interval);
            for (const trace::TokenRow& token : interval.tokens) {
                if (token.is_prompt == 0) {
                    walk(interval, token);
                    ++turns_;
                }
            }
            if (!problem_.empty()) {
                return problem_;
            }
        }
        return "";
    }

  private:
    void expect(Nanoseconds measured, Nanoseconds walked, const std::string& what) {
        if (measured != walked && problem_.empty()) {
            problem_ = fmt::format("{}: measured {} ns, walked {} ns", what, measured, walked);
        }
    }

    Placement placement_of(const trace::Interval& interval) {
        Placement placement;
        for (const std::int32_t device : interval.placement) {
            placement.emplace_back(device);
        }
        return placement;
    }

    void place(const trace::Interval& interval) {
        const Placement next = placement_of(interval);
        const trace::IntervalRow& row = interval.row;
        expect(row.t_dec, timeline_.clock(scenario_.fleet.source), "t_dec");
        if (placement_) {
            const std::int64_t rows = rows_before(interval);
            const auto moves = scheduler::moves_between(
                blocks_,
                *placement_,
                next,
                rows,
                scenario_.controller.weights == config::Weights::everywhere
            );
            const scheduler::FleetRates rates(
                scenario_.fleet, std::max<std::int64_t>(0, row.first_token - 1)
            );
            std::vector<scheduler::MoveRecord> log;
            const Nanoseconds resume = timeline_.migrate(moves, rates, row.t_dec, &log);
            expect(row.t_resume, resume, fmt::format("t_resume at token {}", row.first_token));
            if (log.size() != interval.migrations.size()) {
                problem_ = "another number of migrations";
                return;
            }
            for (std::size_t i = 0; i < log.size(); ++i) {
                expect(interval.migrations[i].start, log[i].start, "start of a migration");
                expect(interval.migrations[i].end, log[i].end, "end of a migration");
                expect(interval.migrations[i].bytes, log[i].move.bytes, "bytes of a migration");
                expect(
                    interval.migrations[i].loaded_bytes, log[i].move.loaded, "loaded bytes of it"
                );
            }
        }
        placement_ = next;
        programs_ = scheduler::lower(blocks_, next, scenario_.fleet.source, scenario_.fleet.size());
    }

    /// Cache rows in use at the interval's decision: none if it begins a sequence.
    static std::int64_t rows_before(const trace::Interval& interval) {
        const trace::TokenRow& first = interval.tokens.front();
        return first.is_prompt != 0 ? 0 : first.position - 1;
    }

    void walk(const trace::Interval& interval, const trace::TokenRow& token) {
        const std::int64_t prompt = prompts_[static_cast<std::size_t>(token.sequence)];
        const scheduler::TurnWork work = token.position == prompt
                                             ? scheduler::TurnWork{0, prompt}
                                             : scheduler::TurnWork{token.position - 1, 1};
        const scheduler::FleetRates rates(scenario_.fleet, turns_);
        const scheduler::Timeline::Overload overload = [&](DeviceId d, Nanoseconds t) {
            Bytes held = 0;
            for (std::size_t i = 0; i < placement_->size(); ++i) {
                if ((*placement_)[i] == d) {
                    held +=
                        blocks_.resident_bytes(BlockId(i), work.first + work.tokens, *placement_);
                }
            }
            held += held > 0 ? buffers_ : 0;
            return std::max<Bytes>(0, held - rates.memory(d, t));
        };
        scheduler::TimelineLog log;
        const Nanoseconds start = timeline_.clock(scenario_.fleet.source);
        const Nanoseconds end =
            timeline_.turn(programs_, rates, work, scenario_.fleet.source, &overload, &log);
        if (trace_.header.with_ops) {
            compare_ops(interval, turns_, log);
            compare_messages(interval, turns_, log);
        }
        expect(token.start, start, fmt::format("start of token {}", turns_));
        expect(token.end, end, fmt::format("end of token {}", turns_));
    }

    void compare_ops(
        const trace::Interval& interval, std::int64_t turn, const scheduler::TimelineLog& log
    ) {
        std::size_t i = 0;
        for (const trace::OpRow& op : interval.ops) {
            if (op.turn != turn) {
                continue;
            }
            if (i >= log.ops.size() || op.device != log.ops[i].device.value ||
                op.block != log.ops[i].block.value) {
                problem_ = fmt::format("operation {} of turn {} is another one", i, turn);
                return;
            }
            expect(op.start, log.ops[i].start, fmt::format("start of op {} of turn {}", i, turn));
            expect(op.end, log.ops[i].end, fmt::format("end of op {} of turn {}", i, turn));
            ++i;
        }
        expect(static_cast<Nanoseconds>(i), static_cast<Nanoseconds>(log.ops.size()), "operations");
    }

    void compare_messages(
        const trace::Interval& interval, std::int64_t turn, const scheduler::TimelineLog& log
    ) {
        std::size_t i = 0;
        for (const trace::MessageRow& row : interval.messages) {
            if (row.turn != turn) {
                continue;
            }
            if (i >= log.messages.size() || row.from != log.messages[i].from.value ||
                row.to != log.messages[i].to.value ||
                row.kind != static_cast<std::int32_t>(log.messages[i].payload)) {
                problem_ = fmt::format("message {} of turn {} is another one", i, turn);
                return;
            }
            const scheduler::MessageRecord& walked = log.messages[i];
            expect(row.begin, walked.begin, fmt::format("begin of message {} of turn {}", i, turn));
            expect(
                row.arrival, walked.arrival, fmt::format("arrival of message {} of {}", i, turn)
            );
            expect(row.bytes, walked.bytes, "bytes of a message");
            ++i;
        }
        expect(
            static_cast<Nanoseconds>(i), static_cast<Nanoseconds>(log.messages.size()), "messages"
        );
    }

    const config::Scenario& scenario_;
    const trace::Trace& trace_;
    scheduler::Blocks blocks_;
    scheduler::Timeline timeline_;
    std::vector<std::int64_t> prompts_; ///< tokens, by sequence
    std::int64_t turns_ = 0;            ///< of the run so far: one per sampled token
    Bytes buffers_;
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
    return Checker(
               scenario,
               trace,
               scheduler::Blocks(
                   runtime::shape_of(model::read_hyperparameters(file)), scenario.controller.cut()
               )
    )
        .check();
}

} // namespace headroom::support
