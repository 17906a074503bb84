#include "runtime/controller.hpp"

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

Controller::Controller(Subject subject)
    : subject_(std::move(subject)), blocks_(subject_.blocks), scenario_(subject_.scenario),
      memory_(scenario_->controller.memory_window, scenario_->controller.memory_reserve) {
    HEADROOM_CHECK(
        subject_.policy != nullptr && blocks_ != nullptr && subject_.prompts != nullptr &&
            !subject_.prompts->empty(),
        "a controller without a policy, blocks or prompts"
    );
}

void Controller::begin() {
    const trace::RunHeader run = header();
    begun_ = true;
    if (subject_.sink != nullptr) {
        subject_.sink->begin(run);
    }
    if (subject_.observer != nullptr) {
        subject_.observer->on_begin(run);
    }
}

void Controller::end(trace::Completion completion) {
    if (subject_.sink != nullptr && begun_) {
        subject_.sink->end(completion);
    }
}

scheduler::Problem problem_of(
    const config::Scenario& scenario,
    const scheduler::Blocks& blocks,
    std::int64_t tokens_per_turn,
    std::int64_t prompt,
    std::int64_t sampled
) {
    const config::ControllerConfig& controller = scenario.controller;
    scheduler::Problem problem;
    problem.blocks = &blocks;
    problem.source = scenario.fleet.source;
    problem.context = prompt + sampled - 1;
    problem.rows = sampled == 0 ? 0 : problem.context;
    problem.interval = controller.interval;
    problem.buffers = scheduler::buffer_bytes(blocks.shape(), tokens_per_turn, blocks.cut());
    problem.cost_profile = controller.cost_profile;
    problem.t_budget_s = static_cast<double>(controller.t_budget) / 1e9;
    problem.paper = controller.paper;
    problem.weights_everywhere = controller.weights == config::Weights::everywhere;
    problem.prompt = prompt;
    problem.ends_at_source = controller.ends == config::Ends::source;
    if (controller.look_ahead) {
        problem.look_ahead = scenario.workload.tokens - sampled;
    }
    problem.node_limit = controller.node_limit;
    problem.seed = scenario.seed;
    return problem;
}

scheduler::Problem Controller::problem(Nanoseconds t_dec) const {
    scheduler::Problem problem = problem_of(
        *scenario_,
        *blocks_,
        subject_.tokens_per_turn,
        prompt_tokens(),
        static_cast<std::int64_t>(ids_.size())
    );
    problem.snapshot = scheduler::take_snapshot(scenario_->fleet, t_dec, tokens_seen(sampled_));
    problem.previous = placement_;
    problem.epoch = epoch_;
    return problem;
}

Command Controller::first() {
    return decide(0);
}

Command Controller::decide(Nanoseconds t_dec) {
    question_ = problem(t_dec);
    question_.safe_memory = memory_.safe(question_.snapshot);
    const scheduler::Problem& question = question_;
    const auto before = std::chrono::steady_clock::now();
    const scheduler::Decision decision = scheduler::decide(*subject_.policy, question);
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
    return command;
}

/// No policy is trusted. Infeasible is an answer, but not for the first placement.
void Controller::judge(const scheduler::Problem& question, const scheduler::Decision& decision)
    const {
    if (decision.feasible) {
        const scheduler::Verdict verdict = scheduler::validate(question, decision.placement);
        HEADROOM_CHECK(
            verdict.ok(),
            "policy {} called a placement feasible that is not: {}",
            subject_.policy->name(),
            fmt::join(verdict.problems, "; ")
        );
    } else if (!placement_) {
        throw InfeasibleError(
            infeasible_report(question, decision, scenario_->fleet, subject_.policy->name())
        );
    }
}

void Controller::note_decision(
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
    if (subject_.observer != nullptr) {
        DecisionNote note{row, moves_, blocks_, placement, {}, 0, 0};
        note.reason = with_names(decision.reason, scenario_->fleet);
        for (const scheduler::Move& move : moves_) {
            note.bytes += move.bytes;
            note.loaded += move.loaded;
        }
        subject_.observer->on_decision(note);
    }
}

Nanoseconds Controller::resume_after(const std::vector<Arrived>& arrived) {
    Nanoseconds resume = interval_.row.t_dec;
    for (const Arrived& block : arrived) {
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
    HEADROOM_CHECK(
        interval_.migrations.size() == moves_.size(),
        "{} blocks arrived, {} moved",
        interval_.migrations.size(),
        moves_.size()
    );
    interval_.row.t_resume = resume;
    interval_.row.measured_migration_ns = resume - interval_.row.t_dec;
    return resume;
}

Command Controller::next(const IntervalFacts& facts) {
    record(facts);
    if (subject_.sink != nullptr) {
        subject_.sink->commit(interval_);
    }
    if (subject_.observer != nullptr) {
        subject_.observer->on_interval(interval_);
    }
    ++intervals_;
    if (facts.stop == Stop::no) {
        return decide(facts.clock);
    }
    const auto sequences = static_cast<std::int64_t>(subject_.prompts->size());
    if (facts.stop == Stop::sequence_ended && sequence_ + 1 < sequences) {
        begin_next_sequence(facts.clock);
        return decide(facts.clock);
    }
    Command finish;
    finish.finish = true;
    finish.exit_code = facts.interrupt_code;
    return finish;
}

void Controller::begin_next_sequence(Nanoseconds at) {
    ++sequence_;
    ids_.clear();
    begin_ = at;
}

} // namespace headroom::runtime
