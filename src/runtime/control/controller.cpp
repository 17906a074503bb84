#include "runtime/control/controller.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "runtime/control/infeasible_report.hpp"
#include "runtime/memory/need.hpp"
#include "runtime/setup/device_names.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "scheduler/timing/round_prediction.hpp"

namespace headroom::runtime {

using trace::Reason;

namespace {

/// One part in so many of a round must be saved by joining another number of turns.
constexpr Nanoseconds kLeastGain = 200;

} // namespace

Controller::Controller(Subject subject)
    : subject_(std::move(subject)), blocks_(subject_.blocks), scenario_(subject_.scenario),
      requests_(requests_of(*scenario_, *subject_.prompts, subject_.resume)),
      memory_(scenario_->controller.memory_window, scenario_->controller.memory_reserve) {
    HEADROOM_CHECK(
        subject_.policy != nullptr && blocks_ != nullptr && subject_.prompts != nullptr &&
            !subject_.prompts->empty(),
        "a controller without a policy, blocks or prompts"
    );
    if (subject_.resume != nullptr) {
        epoch_ = subject_.resume->epoch;
        intervals_ = subject_.resume->intervals;
        for (const ResumePoint::Open& open : subject_.resume->open) {
            texts_[open.sequence] = {open.sampled, open.first_token, open.prompt_told};
        }
    }
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

namespace {

/// T of a sequence: the context of its next step is one more.
std::int64_t context_of(const Flight& flight) {
    return flight.prompt + flight.sampled - 1;
}

/// Of its cache, at most.
std::int64_t most_rows(const Flight& flight) {
    return flight.prompt + flight.limit - 1;
}

/// Tokens that it takes in before it decodes step by step, at least one. Of a sequence that goes on
/// after its run was broken off, those that it had are among them.
std::int64_t left_to_take_in(const Flight& flight) {
    return flight.prompt + flight.sampled - flight.rows;
}

/// The one that is being taken in, else that of the request which waits for its slot.
scheduler::PromptAhead prompt_ahead(const Flight& flight) {
    const std::int64_t left = left_to_take_in(flight);
    if (flight.rows < flight.prompt || left > 1) {
        return {flight.rows, left, flight.limit - flight.sampled};
    }
    return {0, flight.next_prompt, flight.next_limit};
}

/// What the memory of several sequences is reckoned with: a decision that makes room for one that
/// waits must leave the others their full length, or it would have to wait on.
void reckon_with_all(std::span<const Flight> flights, scheduler::Problem& problem) {
    const bool admits = std::any_of(flights.begin(), flights.end(), [](const Flight& flight) {
        return !flight.admitted;
    });
    for (const Flight& flight : flights) {
        const std::int64_t context =
            admits ? most_rows(flight) - problem.interval : context_of(flight);
        problem.sequences.push_back({context, flight.rows, prompt_ahead(flight)});
    }
}

} // namespace

scheduler::Problem problem_of(
    const config::Scenario& scenario,
    const scheduler::Blocks& blocks,
    const scheduler::TurnSizes& sizes,
    std::span<const Flight> flights
) {
    HEADROOM_CHECK(!flights.empty(), "a decision for no sequence");
    const config::ControllerConfig& controller = scenario.controller;
    scheduler::Problem problem;
    problem.blocks = &blocks;
    problem.source = scenario.fleet.source;
    problem.interval = controller.interval;
    problem.prompt = flights.front().prompt;
    for (const Flight& flight : flights) {
        problem.context = std::max(problem.context, context_of(flight));
        problem.rows += flight.rows;
        if (controller.look_ahead) {
            problem.look_ahead = std::max(problem.look_ahead, flight.limit - flight.sampled);
        }
    }
    if (flights.size() > 1) {
        reckon_with_all(flights, problem);
    }
    problem.aim = controller.objective;
    problem.batch = controller.batch;
    problem.prefill_chunk = scenario.workload.prefill_chunk;
    problem.buffers = scheduler::buffer_bytes(blocks.shape(), sizes, blocks.cut());
    problem.cost_profile = controller.cost_profile;
    problem.t_budget_s = static_cast<double>(controller.t_budget) / 1e9;
    problem.paper = controller.paper;
    problem.weights_everywhere = controller.weights == config::Weights::everywhere;
    problem.ends_at_source = controller.ends == config::Ends::source;
    problem.node_limit = controller.node_limit;
    problem.seed = scenario.seed;
    return problem;
}

scheduler::Problem Controller::problem(const SourceFacts& facts, std::span<const Flight> flights) {
    scheduler::Problem problem = problem_of(*scenario_, *blocks_, subject_.turn_sizes, flights);
    problem.snapshot = scheduler::take_snapshot(scenario_->fleet, facts.clock, facts.seen);
    problem.safe_memory = memory_.safe(problem.snapshot);
    problem.previous = placement_;
    problem.epoch = epoch_;
    problem.stop = subject_.stop;
    return problem;
}

/// For as many sequences as there is memory for: all that have a slot, and of those that could get
/// one as many as fit, at least one in all.
scheduler::Decision Controller::ask(const SourceFacts& facts) {
    const auto admitted = static_cast<std::size_t>(std::count_if(
        facts.flights.begin(), facts.flights.end(), [](const Flight& f) { return f.admitted; }
    ));
    const std::size_t least = std::max<std::size_t>(1, admitted);
    for (std::size_t count = facts.flights.size();; --count) {
        question_ = problem(facts, std::span(facts.flights).first(count));
        if (count > least && is_out_of_reach(question_)) {
            continue;
        }
        scheduler::Decision decision = scheduler::decide(*subject_.policy, question_);
        if (decision.feasible || count == least) {
            return decision;
        }
    }
}

Command Controller::next(const SourceFacts& facts) {
    if (facts.stop == Stop::no) {
        return decide(facts);
    }
    Command finish;
    finish.finish = true;
    finish.exit_code = facts.interrupt_code;
    return finish;
}

Command Controller::decide(const SourceFacts& facts) {
    const auto before = std::chrono::steady_clock::now();
    const scheduler::Decision decision = ask(facts);
    const auto after = std::chrono::steady_clock::now();
    judge(decision);
    if (!placement_) {
        begin();
    }

    Command command;
    command.first = !placement_.has_value();
    command.placement = decision.feasible ? decision.placement : *placement_before();
    moves_.clear();
    if (placement_) {
        moves_ = scheduler::moves_between(
            *blocks_, *placement_, command.placement, question_.rows, question_.weights_everywhere
        );
    }
    command.batch = batch_after(decision, command.placement);
    command.changed = !moves_.empty() || command.batch != batch_;
    if (command.first || command.changed) {
        ++epoch_;
    }
    command.epoch = epoch_;
    note_decision(facts, decision, command, std::chrono::nanoseconds(after - before).count());
    placement_ = command.placement;
    batch_ = command.batch;
    return command;
}

std::optional<scheduler::Placement> Controller::placement_before() const {
    if (placement_ || subject_.resume == nullptr) {
        return placement_;
    }
    scheduler::Placement before;
    for (const std::int32_t device : subject_.resume->placement) {
        before.emplace_back(device);
    }
    return before;
}

/// Turns to join from now on. Another number drains the pipeline like a migration does: it must be
/// worth it.
std::int64_t Controller::batch_after(
    const scheduler::Decision& decision, const scheduler::Placement& placement
) const {
    const std::int64_t slots = scenario_->workload.slots();
    if (scenario_->controller.batch > 0) {
        return std::min(scenario_->controller.batch, slots);
    }
    const std::int64_t wanted = std::clamp<std::int64_t>(decision.batch, 1, slots);
    if (!decision.feasible || wanted == batch_) {
        return batch_;
    }
    const scheduler::RoundTimes old =
        scheduler::predict_rounds(question_, placement, std::min(batch_, question_.in_flight()));
    const Nanoseconds kept = scheduler::charged_round(question_, old.round, old.prompts);
    const Nanoseconds then = scheduler::charged_round(question_, decision.round, decision.prompts);
    return then < kept - kept / kLeastGain ? wanted : batch_;
}

/// No policy is trusted. Infeasible is an answer, but not for the first placement.
void Controller::judge(const scheduler::Decision& decision) const {
    if (decision.feasible) {
        const scheduler::Verdict verdict = scheduler::validate(question_, decision.placement);
        HEADROOM_CHECK(
            verdict.ok(),
            "policy {} called a placement feasible that is not: {}",
            subject_.policy->name(),
            fmt::join(verdict.problems, "; ")
        );
    } else if (!placement_before()) {
        throw InfeasibleError(infeasible_report(
            question_,
            decision,
            scenario_->fleet,
            subject_.policy->name(),
            scenario_->workload.slots()
        ));
    }
}

void Controller::note_decision(
    const SourceFacts& facts,
    const scheduler::Decision& decision,
    const Command& command,
    Nanoseconds decision_wall
) {
    trace::IntervalRow& row = current_.emplace().row;
    row.epoch = epoch_;
    row.first_token = facts.sampled;
    row.t_dec = row.t_switch = row.t_resume = facts.clock;
    row.in_flight = static_cast<std::int32_t>(question_.in_flight());
    row.waiting = static_cast<std::int32_t>(facts.waiting);
    row.batch = static_cast<std::int32_t>(command.batch);
    row.decision_wall_ns = decision_wall;
    row.feasible = decision.feasible ? 1 : 0;
    row.policy = static_cast<std::int32_t>(scenario_->controller.policy);
    row.moves = static_cast<std::int32_t>(moves_.size());
    row.reason = static_cast<std::int32_t>(
        !placement_          ? (intervals_ > 0 ? Reason::resumed : Reason::first)
        : !decision.feasible ? Reason::infeasible
        : moves_.empty()     ? Reason::kept
                             : Reason::moved
    );
    // Of the placement that will be in force, whatever the policy said of its own.
    const scheduler::Decision predicted =
        scheduler::evaluate(question_, command.placement, "", command.batch);
    row.predicted_inference_ns = predicted.inference;
    row.predicted_round_ns = predicted.round;
    row.paper_delay_s = predicted.paper_delay_s;
    if (placement_) {
        row.kept_inference_ns = scheduler::predict_inference(
            *blocks_, *placement_, question_.snapshot, question_.source, question_.horizon()
        );
        row.predicted_migration_ns = predicted.migration;
        row.paper_migration_s = predicted.paper_migration_s;
    }
    for (const DeviceId device : command.placement) {
        current_->placement.push_back(device.value);
    }
    tell(decision);
}

void Controller::tell(const scheduler::Decision& decision) const {
    if (subject_.observer == nullptr) {
        return;
    }
    DecisionNote note{current_->row, moves_, blocks_, {}, {}, 0, 0};
    for (const std::int32_t device : current_->placement) {
        note.placement.emplace_back(device);
    }
    note.reason = with_names(decision.reason, scenario_->fleet);
    for (const scheduler::Move& move : moves_) {
        note.bytes += move.bytes;
        note.loaded += move.loaded;
    }
    subject_.observer->on_decision(note);
}

Nanoseconds Controller::resume_after(
    Nanoseconds t_switch, Nanoseconds earliest, const std::vector<Arrived>& arrived
) {
    Nanoseconds resume = earliest;
    for (const Arrived& block : arrived) {
        resume = std::max(resume, block.end);
        current_->migrations.push_back(
            {intervals_ + static_cast<std::int64_t>(closed_.size()),
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
        current_->migrations.size() == moves_.size(),
        "{} blocks arrived, {} moved",
        current_->migrations.size(),
        moves_.size()
    );
    current_->row.t_resume = resume;
    current_->row.measured_migration_ns = resume - t_switch;
    return resume;
}

void Controller::close_interval(const SourceFacts& facts) {
    if (current_) {
        record_source(facts);
        closed_.push_back({std::move(*current_), question_.snapshot});
        current_.reset();
    }
}

void Controller::complete(const DeviceFacts& facts) {
    HEADROOM_CHECK(incomplete(), "no interval waits for the devices");
    record_devices(facts);
    record_links(facts);
    record_details(facts);
    const trace::Interval& interval = closed_.front().interval;
    if (subject_.sink != nullptr) {
        subject_.sink->commit(interval);
    }
    if (subject_.observer != nullptr) {
        subject_.observer->on_interval(interval);
    }
    closed_.pop_front();
    ++intervals_;
}

} // namespace headroom::runtime
