#include "runtime/conductor.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "runtime/device_names.hpp"
#include "runtime/infeasible_report.hpp"
#include "scheduler/validate.hpp"

namespace headroom::runtime {

namespace {

using trace::Reason;

/// Event rates as the last begun turn sees them: it began after one token less.
std::int64_t tokens_seen(std::int64_t sampled) {
    return std::max<std::int64_t>(0, sampled - 1);
}

} // namespace

Conductor::Conductor(const RunOptions& options, const Setup& setup, const scheduler::Blocks& blocks)
    : options_(&options), setup_(&setup), blocks_(&blocks), scenario_(options.scenario),
      stream_(*setup.tokenizer, options.observer) {
    HEADROOM_CHECK(options.policy != nullptr, "rank 0 has no policy");
}

void Conductor::begin() {
    const trace::RunHeader run = header();
    begun_ = true;
    if (options_->sink != nullptr) {
        options_->sink->begin(run);
    }
    if (options_->observer != nullptr) {
        options_->observer->on_begin(run);
    }
}

void Conductor::end(trace::Completion completion) {
    if (options_->sink != nullptr && begun_) {
        options_->sink->end(completion);
    }
}

void Conductor::show(std::int32_t id) {
    if (id >= 0) {
        stream_.show(id);
    }
}

scheduler::Problem Conductor::problem(Nanoseconds t_dec) const {
    scheduler::Problem problem;
    problem.blocks = blocks_;
    problem.snapshot = snapshot_;
    problem.snapshot.at = t_dec;
    problem.source = scenario_->fleet.source;
    problem.previous = placement_;
    problem.context = prompt_tokens() + static_cast<std::int64_t>(ids_.size()) - 1;
    problem.rows = sequence_begins() ? 0 : problem.context;
    problem.interval = scenario_->controller.interval;
    problem.buffers =
        scheduler::buffer_bytes(blocks_->shape(), setup_->tokens_per_turn, blocks_->cut());
    const config::ControllerConfig& controller = scenario_->controller;
    problem.cost_profile = controller.cost_profile;
    problem.t_budget_s = static_cast<double>(controller.t_budget) / 1e9;
    problem.paper = controller.paper;
    problem.weights_everywhere = controller.weights == config::Weights::everywhere;
    problem.prompt = prompt_tokens();
    if (controller.look_ahead) {
        problem.look_ahead = scenario_->workload.tokens - static_cast<std::int64_t>(ids_.size());
    }
    problem.node_limit = controller.node_limit;
    problem.seed = scenario_->seed;
    problem.epoch = epoch_;
    return problem;
}

Command Conductor::first() {
    return decide(0);
}

Command Conductor::decide(Nanoseconds t_dec) {
    snapshot_ = scheduler::take_snapshot(scenario_->fleet, t_dec, tokens_seen(sampled_));
    const scheduler::Problem question = problem(t_dec);
    const auto before = std::chrono::steady_clock::now();
    const scheduler::Decision decision = scheduler::decide(*options_->policy, question);
    const auto after = std::chrono::steady_clock::now();
    judge(question, decision);
    if (!placement_) {
        begin();
    }

    Command command;
    command.first = !placement_.has_value();
    command.begins = sequence_begins();
    command.sequence = sequence_;
    command.sampled = sampled_;
    command.rows = question.rows;
    command.t_switch = t_dec;
    command.placement = decision.feasible ? decision.placement : *placement_;
    moves_.clear();
    if (placement_) {
        moves_ = scheduler::moves_between(
            *blocks_, *placement_, command.placement, question.rows, question.weights_everywhere
        );
    }
    command.moved = !moves_.empty();
    if (command.first || command.moved) {
        ++epoch_;
    }
    command.epoch = epoch_;
    note_decision(
        question, decision, command.moved, std::chrono::nanoseconds(after - before).count()
    );
    placement_ = command.placement;
    if (command.begins) {
        stream_.begin(prompt());
    }
    return command;
}

/// No policy is trusted. Infeasible is an answer, but not for the first placement.
void Conductor::judge(const scheduler::Problem& question, const scheduler::Decision& decision)
    const {
    if (decision.feasible) {
        const scheduler::Verdict verdict = scheduler::validate(question, decision.placement);
        HEADROOM_CHECK(
            verdict.ok(),
            "policy {} called a placement feasible that is not: {}",
            options_->policy->name(),
            fmt::join(verdict.problems, "; ")
        );
    } else if (!placement_) {
        throw InfeasibleError(
            infeasible_report(question, decision, scenario_->fleet, options_->policy->name())
        );
    }
}

void Conductor::note_decision(
    const scheduler::Problem& question,
    const scheduler::Decision& decision,
    bool moved,
    Nanoseconds decision_wall
) {
    interval_ = {};
    trace::IntervalRow& row = interval_.row;
    const scheduler::Placement& placement = decision.feasible ? decision.placement : *placement_;
    row.epoch = epoch_;
    row.sequence = static_cast<std::int32_t>(sequence_);
    row.first_token = sampled_;
    row.t_dec = row.t_resume = question.snapshot.at;
    row.decision_wall_ns = decision_wall;
    row.feasible = decision.feasible ? 1 : 0;
    row.policy = static_cast<std::int32_t>(scenario_->controller.policy);
    row.moves = static_cast<std::int32_t>(moves_.size());
    row.reason = static_cast<std::int32_t>(
        !decision.feasible ? Reason::infeasible
        : !placement_      ? Reason::first
        : moved            ? Reason::moved
                           : Reason::kept
    );
    // Of the placement that will be in force, whatever the policy said of its own.
    const scheduler::Decision predicted = scheduler::evaluate(question, placement, "");
    row.predicted_inference_ns = predicted.inference;
    row.paper_delay_s = predicted.paper_delay_s;
    if (placement_) {
        row.kept_inference_ns = scheduler::predict_inference(
            *blocks_, *placement_, question.snapshot, question.source, question.horizon()
        );
        row.predicted_migration_ns = predicted.migration;
        row.paper_migration_s = predicted.paper_migration_s;
    }
    for (const DeviceId device : placement) {
        interval_.placement.push_back(device.value);
    }
    if (options_->observer != nullptr) {
        DecisionNote note{row, moves_, blocks_, placement, {}, 0, 0};
        note.reason = with_names(decision.reason, scenario_->fleet);
        for (const scheduler::Move& move : moves_) {
            note.bytes += move.bytes;
            note.loaded += move.loaded;
        }
        options_->observer->on_decision(note);
    }
}

Nanoseconds Conductor::resume_after(const std::vector<std::vector<Arrived>>& arrived) {
    Nanoseconds resume = interval_.row.t_dec;
    for (const std::vector<Arrived>& here : arrived) {
        for (const Arrived& block : here) {
            resume = std::max(resume, block.end);
            interval_.migrations.push_back(
                {intervals_,
                 block.move.block.value,
                 block.move.from.value,
                 block.move.to.value,
                 block.move.bytes,
                 block.move.loaded,
                 block.start,
                 block.end,
                 block.checksum}
            );
        }
    }
    HEADROOM_CHECK(
        interval_.migrations.size() == moves_.size(),
        "{} blocks arrived, {} moved",
        interval_.migrations.size(),
        moves_.size()
    );
    std::sort(
        interval_.migrations.begin(),
        interval_.migrations.end(),
        [](const auto& a, const auto& b) { return a.block < b.block; }
    );
    interval_.row.t_resume = resume;
    interval_.row.measured_migration_ns = resume - interval_.row.t_dec;
    return resume;
}

Command Conductor::next(const std::vector<Report>& reports) {
    const Report& source = reports[scenario_->fleet.source.index()];
    record(reports);
    if (options_->sink != nullptr) {
        options_->sink->commit(interval_);
    }
    if (options_->observer != nullptr) {
        options_->observer->on_interval(interval_);
    }
    ++intervals_;
    if (source.stop == Stop::no) {
        return decide(source.clock);
    }
    stream_.end();
    const auto sequences = static_cast<std::int64_t>(setup_->prompts.size());
    if (source.stop == Stop::sequence_ended && sequence_ + 1 < sequences) {
        begin_next_sequence(source.clock);
        return decide(source.clock);
    }
    exit_code_ = source.interrupt_code;
    Command finish;
    finish.finish = true;
    finish.exit_code = exit_code_;
    return finish;
}

void Conductor::begin_next_sequence(Nanoseconds at) {
    ++sequence_;
    ids_.clear();
    begin_ = at;
}

} // namespace headroom::runtime
