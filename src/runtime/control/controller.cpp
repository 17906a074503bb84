#include "runtime/control/controller.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "runtime/control/infeasible_report.hpp"
#include "runtime/control/recorded_decisions.hpp"
#include "runtime/memory/memory_demand.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/timing/evaluate.hpp"
#include "scheduler/timing/round_prediction.hpp"

namespace headroom::runtime {

using trace::Reason;

namespace {

/// A change of the batch size must shorten the round by at least 1/kMinGainDivisor.
constexpr Nanoseconds kMinGainDivisor = 200;

} // namespace

ControllerContext context_of(const RunOptions& options) {
    ControllerContext context;
    context.scenario = options.scenario;
    context.policy = options.policy;
    context.attributes = options.attributes;
    context.trace_ops = options.trace_ops;
    context.stop = options.stop;
    context.sink = options.sink;
    context.observer = options.observer;
    return context;
}

Controller::Controller(ControllerContext context)
    : context_(std::move(context)), blocks_(context_.blocks), scenario_(context_.scenario),
      requests_(requests_of(*scenario_, *context_.prompts, context_.resume)),
      memory_(scenario_->controller.memory_window, scenario_->controller.memory_reserve) {
    HEADROOM_CHECK(
        context_.policy != nullptr && blocks_ != nullptr && context_.prompts != nullptr &&
            !context_.prompts->empty(),
        "a controller without a policy, blocks or prompts"
    );
    if (context_.resume != nullptr) {
        epoch_ = context_.resume->epoch;
        intervals_ = context_.resume->intervals;
        for (const ResumePoint::Unfinished& open : context_.resume->unfinished) {
            texts_[open.sequence] = {open.sampled, open.first_token, open.prompt_recorded};
        }
    }
}

void Controller::begin_trace() {
    const trace::RunHeader run = header();
    begun_ = true;
    if (context_.sink != nullptr) {
        context_.sink->begin(run);
    }
    if (context_.observer != nullptr) {
        context_.observer->on_begin(run);
    }
}

void Controller::end_trace(int exit_code) {
    const bool interrupted = exit_code == static_cast<int>(ExitCode::interrupted) ||
                             exit_code == static_cast<int>(ExitCode::terminated);
    if (context_.sink != nullptr && begun_) {
        context_.sink->end(
            exit_code == 0 ? trace::Completion::finished
            : interrupted  ? trace::Completion::interrupted
                           : trace::Completion::failed
        );
    }
}

namespace {

/// Returns T of a sequence. The context of its next step is T + 1.
std::int64_t context_of(const InFlightRequest& request) {
    return request.prompt + request.sampled - 1;
}

/// Returns the rest of the request's own prompt, or the prompt of the request that waits for its
/// slot.
scheduler::PendingPrompt prompt_ahead(const InFlightRequest& request) {
    // Its next turns process so many tokens, at least 1, before the next token is sampled. In a
    // resumed run these include the recorded sampled tokens.
    const std::int64_t left = request.prompt + request.sampled - request.rows;
    if (request.rows < request.prompt || left > 1) {
        return {request.rows, left, request.limit - request.sampled};
    }
    return {0, request.next_prompt, request.next_limit};
}

/// Adds the sequences to the problem. If a request has no slot yet, memory is computed for the full
/// length of all sequences; with less, the request would not be admitted.
void add_sequences(std::span<const InFlightRequest> requests, scheduler::Problem& problem) {
    const bool admits = !std::ranges::all_of(requests, &InFlightRequest::admitted);
    for (const InFlightRequest& request : requests) {
        const std::int64_t max_rows = request.prompt + request.limit - 1;
        const std::int64_t context = admits ? max_rows - problem.interval : context_of(request);
        problem.sequences.push_back({context, request.rows, prompt_ahead(request)});
    }
}

} // namespace

scheduler::Problem problem_of(
    const config::Scenario& scenario,
    const scheduler::Blocks& blocks,
    const scheduler::TurnSizes& sizes,
    std::span<const InFlightRequest> requests
) {
    HEADROOM_CHECK(!requests.empty(), "a decision for no sequence");
    const config::ControllerConfig& controller = scenario.controller;
    scheduler::Problem problem;
    problem.blocks = &blocks;
    problem.source = scenario.fleet.source;
    problem.interval = controller.interval;
    problem.prompt = requests.front().prompt;
    for (const InFlightRequest& request : requests) {
        problem.context = std::max(problem.context, context_of(request));
        problem.rows += request.rows;
        if (controller.look_ahead) {
            problem.look_ahead = std::max(problem.look_ahead, request.limit - request.sampled);
        }
    }
    if (requests.size() > 1) {
        add_sequences(requests, problem);
    }
    problem.aim = controller.objective;
    problem.batch = controller.batch;
    problem.prefill_chunk = scenario.workload.prefill_chunk;
    problem.buffers = scheduler::buffer_bytes(blocks.shape(), sizes, blocks.cut());
    problem.cost_profile = controller.cost_profile;
    problem.t_budget_s = static_cast<double>(controller.t_budget) / 1e9;
    problem.paper = controller.paper;
    problem.weights_everywhere = controller.weights == config::WeightsMode::everywhere;
    problem.ends_at_source = controller.ends == config::EndsMode::source;
    problem.effort = controller.effort;
    problem.node_limit = controller.node_limit;
    problem.seed = scenario.seed;
    problem.given = controller.given.empty() ? nullptr : &controller.given;
    return problem;
}

Answer decide_for_most(
    const scheduler::Policy& policy,
    std::size_t most,
    std::size_t least,
    const std::function<scheduler::Problem(std::size_t)>& problem_for
) {
    for (std::size_t count = most;; --count) {
        Answer answer{problem_for(count), {}};
        if (count > least && exceeds_total_memory(answer.problem)) {
            continue;
        }
        answer.decision = scheduler::decide(policy, answer.problem);
        if (answer.decision.feasible || count == least) {
            return answer;
        }
    }
}

void check_valid(const scheduler::Policy& policy, const Answer& answer) {
    if (answer.decision.feasible) {
        const scheduler::Verdict verdict =
            scheduler::validate(answer.problem, answer.decision.placement);
        HEADROOM_CHECK(
            verdict.ok(),
            "policy {} called a placement feasible that is not: {}",
            policy.name(),
            fmt::join(verdict.problems, "; ")
        );
    }
}

scheduler::Problem Controller::make_problem(
    const SourceFacts& facts, std::span<const InFlightRequest> requests
) {
    scheduler::Problem problem = problem_of(*scenario_, *blocks_, context_.turn_sizes, requests);
    problem.snapshot = scheduler::take_snapshot(scenario_->fleet, facts.clock, facts.tokens_seen);
    problem.safe_memory = memory_.safe_memory(problem.snapshot);
    problem.previous = placement_;
    problem.epoch = epoch_;
    problem.stop = context_.stop;
    return problem;
}

/// Returns the decision for as many requests as there is memory for: all that have a slot, and as
/// many of the others as fit, at least one in all. Takes the recorded decision if there are any.
Answer Controller::ask_policy(const SourceFacts& facts) {
    const auto admitted = static_cast<std::size_t>(
        std::ranges::count(facts.requests, true, &InFlightRequest::admitted)
    );
    const std::size_t most = facts.requests.size();
    const std::size_t least = std::max<std::size_t>(1, admitted);
    const auto problem_for = [&](std::size_t count) {
        return make_problem(facts, std::span(facts.requests).first(count));
    };
    return context_.recorded != nullptr
               ? context_.recorded->next(most, least, problem_for)
               : decide_for_most(*context_.policy, most, least, problem_for);
}

Command Controller::next_command(const SourceFacts& facts) {
    if (facts.stop == StopReason::none) {
        return decide(facts);
    }
    return {.finish = true, .exit_code = facts.interrupt_code};
}

Command Controller::decide(const SourceFacts& facts) {
    const auto before = std::chrono::steady_clock::now();
    Answer answer = ask_policy(facts);
    const auto after = std::chrono::steady_clock::now();
    check_valid(*context_.policy, answer);
    problem_ = std::move(answer.problem);
    const scheduler::Decision& decision = answer.decision;
    if (!decision.feasible && !fallback_placement()) {
        throw InfeasibleError(
            infeasible_report(
                problem_,
                decision,
                scenario_->fleet,
                context_.policy->name(),
                scenario_->workload.slots()
            ),
            shortage_fields(decision.why, scenario_->fleet)
        );
    }
    if (!placement_) {
        begin_trace();
    }

    Command command;
    command.first = !placement_.has_value();
    command.placement = decision.feasible ? decision.placement : *fallback_placement();
    moves_.clear();
    if (placement_) {
        moves_ = scheduler::moves_between(
            *blocks_,
            *placement_,
            command.placement,
            problem_.moved_rows(),
            problem_.weights_everywhere
        );
    }
    command.batch = batch_after(decision, command.placement);
    command.changed = !moves_.empty() || command.batch != batch_;
    if (command.first || command.changed) {
        ++epoch_;
    }
    command.epoch = epoch_;
    record_decision(facts, decision, command, std::chrono::nanoseconds(after - before).count());
    placement_ = command.placement;
    batch_ = command.batch;
    return command;
}

std::optional<scheduler::Placement> Controller::fallback_placement() const {
    if (placement_ || context_.resume == nullptr) {
        return placement_;
    }
    scheduler::Placement before;
    for (const std::int32_t device : context_.resume->placement) {
        before.emplace_back(device);
    }
    return before;
}

/// Returns the batch size after this decision. A change drains all turns under way like a
/// migration, so it must save time.
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
    if (context_.recorded != nullptr) {
        return wanted;
    }
    const scheduler::RoundTimes old =
        scheduler::predict_rounds(problem_, placement, std::min(batch_, problem_.in_flight()));
    const Nanoseconds kept = scheduler::round_with_prompt_share(problem_, old.round, old.prompts);
    const Nanoseconds then =
        scheduler::round_with_prompt_share(problem_, decision.round, decision.prompts);
    return then < kept - kept / kMinGainDivisor ? wanted : batch_;
}

void Controller::record_decision(
    const SourceFacts& facts,
    const scheduler::Decision& decision,
    const Command& command,
    Nanoseconds decision_wall
) {
    trace::IntervalRow& row = current_.emplace().row;
    row.epoch = epoch_;
    row.first_token = facts.sampled;
    row.t_dec = row.t_switch = row.t_resume = facts.clock;
    row.in_flight = static_cast<std::int32_t>(problem_.in_flight());
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
    // Predict for the placement that will be in force, instead of using the policy's predictions.
    const scheduler::Decision predicted =
        scheduler::evaluate(problem_, command.placement, command.batch);
    row.predicted_inference_ns = predicted.inference;
    row.predicted_round_ns = predicted.round;
    row.paper_delay_s = predicted.paper_delay_s;
    if (placement_) {
        row.kept_inference_ns = scheduler::predict_inference(
            *blocks_, *placement_, problem_.snapshot, problem_.source, problem_.horizon()
        );
        row.predicted_migration_ns = predicted.migration;
        row.paper_migration_s = predicted.paper_migration_s;
    }
    for (const DeviceId device : command.placement) {
        current_->placement.push_back(device.value);
    }
    notify_observer(decision);
}

void Controller::notify_observer(const scheduler::Decision& decision) const {
    if (context_.observer == nullptr) {
        return;
    }
    DecisionEvent event{current_->row, moves_, blocks_, {}, {}, 0, 0};
    for (const std::int32_t device : current_->placement) {
        event.placement.emplace_back(device);
    }
    event.why = decision.why;
    for (const scheduler::Move& move : moves_) {
        event.bytes += move.bytes;
        event.loaded += move.loaded;
    }
    context_.observer->on_decision(event);
}

Nanoseconds Controller::resume_after(
    Nanoseconds t_switch, Nanoseconds earliest, const std::vector<ArrivedBlock>& arrived
) {
    Nanoseconds resume = earliest;
    for (const ArrivedBlock& block : arrived) {
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
        closed_.push_back({std::move(*current_), problem_.snapshot});
        current_.reset();
    }
}

void Controller::complete_interval(const DeviceFacts& facts) {
    HEADROOM_CHECK(has_closed_interval(), "no interval waits for the devices");
    record_devices(facts);
    record_links(facts);
    record_details(facts);
    const trace::Interval& interval = closed_.front().interval;
    if (context_.sink != nullptr) {
        context_.sink->commit(interval);
    }
    if (context_.observer != nullptr) {
        context_.observer->on_interval(interval);
    }
    closed_.pop_front();
    ++intervals_;
}

} // namespace headroom::runtime
