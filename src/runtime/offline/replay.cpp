#include "runtime/offline/replay.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "runtime/control/recorded_decisions.hpp"
#include "runtime/offline/recording.hpp"
#include "runtime/offline/simulation.hpp"
#include "trace/analysis/compare.hpp"
#include "trace/analysis/interrupts.hpp"
#include "trace/analysis/parts.hpp"

namespace headroom::runtime {

namespace {

/// The largest number of differences that are returned.
constexpr std::size_t kMaxLines = 10;

/// Thrown to leave the serving loop when everything that is recorded has been compared.
struct EndOfComparison {
    std::string difference; ///< empty if the run ended as recorded
};

/// How a part of a run ended. Every resumption of a run begins a new part.
enum class Ending : std::uint8_t {
    complete,    ///< all requests have ended
    interrupted, ///< by a signal; the turns under way were ended
    broken_off   ///< killed, or failed; the last interval ended with a decision
};

struct RunPart {
    trace::IntervalRange intervals;
    Ending ending = Ending::complete;
    bool goes_on = false;          ///< whether another part follows
    std::string policy_version;    ///< version of the policy that decided
    std::int64_t turns = 0;        ///< number of its turns
    Nanoseconds end = 0;           ///< end of its last interval
    Nanoseconds last_turn_end = 0; ///< latest end of its turns

    [[nodiscard]] std::size_t size() const { return intervals.last - intervals.first; }
};

Ending ending_of(const trace::Trace& trace, const trace::IntervalRange& part, bool goes_on) {
    if (!goes_on && trace.completion == trace::Completion::finished) {
        return Ending::complete;
    }
    const bool interrupted =
        part.last > part.first && trace::was_interrupted(trace.intervals[part.last - 1]);
    return interrupted ? Ending::interrupted : Ending::broken_off;
}

std::vector<RunPart> parts_of_run(const trace::Trace& trace) {
    const std::vector<trace::RunPart> recorded = trace::run_parts(trace);
    std::vector<RunPart> parts;
    for (std::size_t s = 0; s < recorded.size(); ++s) {
        RunPart part;
        part.intervals = recorded[s].intervals;
        part.goes_on = s + 1 < recorded.size();
        part.ending = ending_of(trace, part.intervals, part.goes_on);
        part.policy_version = recorded[s].policy_version;
        for (std::size_t i = part.intervals.first; i < part.intervals.last; ++i) {
            part.turns += static_cast<std::int64_t>(trace.intervals[i].turns.size());
            part.end = trace.intervals[i].row.t_end;
            for (const trace::TurnRow& turn : trace.intervals[i].turns) {
                part.last_turn_end = std::max(part.last_turn_end, turn.end);
            }
        }
        parts.push_back(part);
    }
    return parts;
}

/// Returns the interval without the values that depend on weights.
trace::Interval without_values(trace::Interval interval) {
    for (trace::MigrationRow& move : interval.migrations) {
        move.checksum = 0;
    }
    for (trace::RequestRow& request : interval.requests) {
        request.prompt_bytes = 0;
        request.text.clear();
    }
    return interval;
}

/// Compares every interval with the recorded one and ends the replay at the first difference.
class ComparingSink final : public trace::Sink {
  public:
    ComparingSink(
        const trace::Trace& recorded, const RunPart& part, const ReplayWatch& watch, Replay& result
    )
        : recorded_(recorded), part_(part), watch_(watch), result_(result),
          next_(part.intervals.first) {}

    void begin(const trace::RunHeader& header) override {
        trace::RunHeader derived = header;
        derived.codes = recorded_.header.codes; // not compared
        take_policy_version(derived);
        leave_if(trace::differences(recorded_.header, derived, kMaxLines));
    }

    void commit(const trace::Interval& interval) override {
        HEADROOM_CHECK(next_ < part_.intervals.last, "interval {} is not recorded", next_);
        const std::string where = fmt::format("intervals[{}]", next_);
        const trace::Interval& recorded = recorded_.intervals[next_];
        trace::Interval derived = interval;
        const bool may_lack =
            part_.goes_on || recorded_.completion != trace::Completion::interrupted;
        if (may_lack && recorded.requests.size() < derived.requests.size()) {
            trace::drop_interrupted_requests(derived); // a resumed run drops them from the trace
        }
        result_.decision_differs = recorded.placement != derived.placement ||
                                   recorded.row.batch != derived.row.batch ||
                                   recorded.row.feasible != derived.row.feasible;
        leave_if(trace::differences(
            recorded_.header,
            where,
            without_values(recorded),
            without_values(std::move(derived)),
            kMaxLines
        ));
        ++next_;
        ++result_.intervals;
        if (watch_.on_interval) {
            watch_.on_interval(result_.intervals);
        }
    }

    void end(trace::Completion /*completion*/) override {}

    void expect_all() {
        if (next_ < part_.intervals.last && result_.differences.empty()) {
            result_.differences = {fmt::format("intervals[{}]: recorded | not derived", next_)};
        }
    }

  private:
    /// Replaces the version by the recorded one. The caller of replay() is told that they differ.
    void take_policy_version(trace::RunHeader& derived) const {
        derived.attributes.erase(trace::kPolicyVersion);
        const auto recorded = recorded_.header.attributes.find(trace::kPolicyVersion);
        if (recorded != recorded_.header.attributes.end()) {
            derived.attributes.insert(*recorded);
        }
    }

    void leave_if(std::vector<std::string> differences) {
        if (!differences.empty()) {
            result_.differences = std::move(differences);
            throw EndOfComparison{};
        }
    }

    const trace::Trace& recorded_;
    const RunPart& part_;
    const ReplayWatch& watch_;
    Replay& result_;
    std::size_t next_;
};

/// A simulation of one part, with the recorded tokens, that ends as the part did.
class Rerun final : public Simulation {
  public:
    Rerun(
        const WorkloadDescription& workload,
        ControllerContext context,
        const RecordedTokens& tokens,
        const RunPart& part,
        StopCheck interrupt_code
    )
        : Simulation(workload, std::move(context), interrupt_code), tokens_(tokens), part_(part),
          interrupt_code_(interrupt_code) {}

    void visit(const std::vector<StartedTurn>& turns) override {
        throw_if_stopped(interrupt_code_);
        turns_ += static_cast<std::int64_t>(turns.size());
        Simulation::visit(turns);
    }

    [[nodiscard]] Command decide(const SourceFacts& facts) override {
        if (facts.stop == StopReason::none) {
            if (has_decided_all()) {
                close_interval(facts);
                throw EndOfComparison{
                    part_.ending == Ending::broken_off
                        ? ""
                        : fmt::format(
                              "intervals[{}]: not recorded | derived", part_.intervals.last
                          )};
            }
            ++decisions_;
        }
        return Simulation::decide(facts);
    }

    /// A run notices a signal either while turns are under way, after its last turn has begun and
    /// its last decision is made, or while it waits for a request. idle_until() handles the second
    /// case.
    [[nodiscard]] std::int32_t interrupted() const override {
        const bool in_turns = anything_under_way() && part_.end == part_.last_turn_end;
        const bool now = is_at_interrupt() && (in_turns || clock() >= part_.end);
        return now ? static_cast<std::int32_t>(ExitCode::interrupted) : 0;
    }

    [[nodiscard]] bool idle_until(Nanoseconds time) override {
        if (is_at_interrupt()) {
            (void)Simulation::idle_until(part_.end);
            return false;
        }
        return Simulation::idle_until(time);
    }

  protected:
    [[nodiscard]] SampledToken token_of(const Turn& turn) override {
        SampledToken token = tokens_.at(turn.sequence, turn.position());
        token.ends_text =
            tokens_.ended(turn.sequence) && tokens_.is_last(turn.sequence, turn.position());
        return token;
    }

  private:
    [[nodiscard]] bool has_decided_all() const { return decisions_ == part_.size(); }
    [[nodiscard]] bool is_at_interrupt() const {
        return part_.ending == Ending::interrupted && turns_ == part_.turns && has_decided_all();
    }

    const RecordedTokens& tokens_;
    const RunPart& part_;
    StopCheck interrupt_code_;
    std::int64_t turns_ = 0;
    std::size_t decisions_ = 0;
};

void rerun(
    const trace::Trace& trace,
    const WorkloadDescription& workload,
    const RecordedTokens& tokens,
    ControllerContext context,
    const RunPart& part,
    const ReplayWatch& watch,
    Replay& result
) {
    if (part.intervals.first == part.intervals.last && part.ending != Ending::complete) {
        return; // nothing was committed
    }
    std::optional<ResumePoint> resume;
    if (part.intervals.first > 0) {
        resume = resume_point(std::span(trace.intervals).first(part.intervals.first));
        resume->semantics = trace.header.semantics();
        context.resume = &*resume;
    }
    ComparingSink sink(trace, part, watch, result);
    context.sink = &sink;
    const config::Scenario& scenario = *context.scenario;
    const ResumePoint* const from = context.resume;
    ServingSettings settings = serving_settings(scenario, workload.prompts, from);
    settings.semantics = context.semantics;
    if (const auto imagined = trace.header.attributes.find(kCounterfactualRequests);
        imagined != trace.header.attributes.end()) {
        settings.queue = sequences_in(imagined->second, settings.requests.size());
    }
    RecordedDecisions recorded(
        std::span(trace.intervals).subspan(part.intervals.first, part.size()), part.intervals.first
    );
    if (part.policy_version != result.policy_version) {
        context.recorded = &recorded;
    }
    Rerun simulation(workload, std::move(context), tokens, part, watch.interrupted);
    try {
        const RunOutcome outcome = simulation.run(std::move(settings));
        throw_if_stopped(watch.interrupted); // else the outcome is that of the recorded run
        if (!outcome.message.empty()) {
            result.differences = {fmt::format("the run: recorded | {}", outcome.message)};
        }
    } catch (const EndOfComparison& end) {
        if (!end.difference.empty()) {
            result.differences = {end.difference};
        }
    }
    sink.expect_all();
}

void add_as_recorded(DecisionsAsRecorded& all, const RunPart& part) {
    all.count += static_cast<std::int64_t>(part.size());
    if (std::ranges::find(all.versions, part.policy_version) == all.versions.end()) {
        all.versions.push_back(part.policy_version);
    }
}

} // namespace

Replay replay(
    const trace::Trace& trace,
    const config::Scenario& scenario,
    const scheduler::Policy& policy,
    const ReplayWatch& watch
) {
    const WorkloadDescription workload = recorded_workload(trace.header, scenario);
    check_ids(trace, scenario);
    ControllerContext context;
    context.scenario = &scenario;
    context.policy = &policy;
    context.attributes = trace.header.attributes;
    context.semantics = trace.header.semantics();
    context.trace_ops = trace.header.with_ops;
    context.stop = watch.interrupted;
    Replay result;
    result.policy = policy.name();
    result.policy_version = policy.version();
    const RecordedTokens tokens(trace);
    const std::vector<RunPart> parts = parts_of_run(trace);
    result.resumptions = static_cast<std::int64_t>(parts.size()) - 1;
    for (const RunPart& part : parts) {
        if (part.policy_version != result.policy_version && part.size() > 0) {
            add_as_recorded(result.as_recorded, part);
        }
        rerun(trace, workload, tokens, context, part, watch, result);
        if (!result.differences.empty()) {
            break;
        }
    }
    return result;
}

} // namespace headroom::runtime
