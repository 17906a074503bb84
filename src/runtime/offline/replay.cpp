#include "runtime/offline/replay.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"
#include "runtime/offline/recording.hpp"
#include "runtime/offline/simulation.hpp"
#include "trace/analysis/compare.hpp"
#include "trace/analysis/interrupts.hpp"

namespace headroom::runtime {

namespace {

/// Lines of differences that are kept: of one interval, the first.
constexpr std::size_t kMostLines = 10;

/// Thrown to leave a course that goes on beyond what is to be compared.
struct Enough {};

/// How a stretch of a run ended.
enum class Ending : std::uint8_t {
    complete,    ///< all requests are done
    interrupted, ///< by a signal: what was under way was finished
    broken_off   ///< killed, or failed: its last interval was followed by a decision
};

struct Segment {
    trace::Stretch intervals;
    Ending ending = Ending::complete;
    bool goes_on = false;          ///< another stretch follows
    std::int64_t turns = 0;        ///< that it began and recorded
    Nanoseconds end = 0;           ///< of its last interval
    Nanoseconds last_turn_end = 0; ///< of the turns that it recorded
};

Ending ending_of(const trace::Trace& trace, const trace::Stretch& stretch, bool goes_on) {
    if (!goes_on && trace.completion == trace::Completion::finished) {
        return Ending::complete;
    }
    const bool interrupted =
        stretch.last > stretch.first && trace::was_interrupted(trace.intervals[stretch.last - 1]);
    return interrupted ? Ending::interrupted : Ending::broken_off;
}

std::vector<Segment> segments_of(const trace::Trace& trace) {
    const std::vector<trace::Stretch> stretches = trace::stretches_of(trace);
    std::vector<Segment> segments;
    for (std::size_t s = 0; s < stretches.size(); ++s) {
        Segment segment;
        segment.intervals = stretches[s];
        segment.goes_on = s + 1 < stretches.size();
        segment.ending = ending_of(trace, stretches[s], segment.goes_on);
        for (std::size_t i = stretches[s].first; i < stretches[s].last; ++i) {
            segment.turns += static_cast<std::int64_t>(trace.intervals[i].turns.size());
            segment.end = trace.intervals[i].row.t_end;
            for (const trace::TurnRow& turn : trace.intervals[i].turns) {
                segment.last_turn_end = std::max(segment.last_turn_end, turn.end);
            }
        }
        segments.push_back(segment);
    }
    return segments;
}

/// What only weights give.
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

/// Of the program that derives it, not of the run.
void leave_if_asked(int (*interrupted)()) {
    if (const int code = interrupted == nullptr ? 0 : interrupted(); code != 0) {
        throw InterruptedError(static_cast<ExitCode>(code));
    }
}

/// Holds every interval that comes against the recorded one, and leaves at the first difference.
class Judge final : public trace::Sink {
  public:
    Judge(
        const trace::Trace& recorded,
        const Segment& segment,
        const ReplayWatch& watch,
        Replay& result
    )
        : recorded_(recorded), segment_(segment), watch_(watch), result_(result),
          next_(segment.intervals.first) {}

    void begin(const trace::RunHeader& header) override {
        trace::RunHeader derived = header;
        derived.codes = recorded_.header.codes; // names, not facts
        leave_if(trace::differences(recorded_.header, derived, kMostLines));
    }

    void commit(const trace::Interval& interval) override {
        const std::string where = fmt::format("intervals[{}]", next_);
        if (next_ == segment_.intervals.last) {
            leave_if({fmt::format("{}: not recorded | derived", where)});
        }
        const trace::Interval& recorded = recorded_.intervals[next_];
        trace::Interval derived = interval;
        const bool may_lack =
            segment_.goes_on || recorded_.completion != trace::Completion::interrupted;
        if (may_lack && recorded.requests.size() < derived.requests.size()) {
            trace::drop_cut_requests(derived); // as whoever goes on with the run does
        }
        leave_if(trace::differences(
            where, without_values(recorded), without_values(std::move(derived)), kMostLines
        ));
        ++next_;
        ++result_.intervals;
        if (watch_.on_interval) {
            watch_.on_interval(result_.intervals);
        }
    }

    void end(trace::Completion /*completion*/) override {}

    void expect_all() {
        if (next_ < segment_.intervals.last && result_.differences.empty()) {
            result_.differences = {fmt::format("intervals[{}]: recorded | not derived", next_)};
        }
    }

  private:
    void leave_if(std::vector<std::string> differences) {
        if (!differences.empty()) {
            result_.differences = std::move(differences);
            throw Enough{};
        }
    }

    const trace::Trace& recorded_;
    const Segment& segment_;
    const ReplayWatch& watch_;
    Replay& result_;
    std::size_t next_;
};

/// A stretch again: the recorded tokens, and the recorded end.
class Rerun final : public Simulation {
  public:
    Rerun(
        const Outline& outline,
        Subject subject,
        const RecordedTokens& tokens,
        const Segment& segment,
        int (*asked)()
    )
        : Simulation(outline, std::move(subject)), tokens_(tokens), segment_(segment),
          asked_(asked) {}

    void visit(const std::vector<StartedTurn>& turns) override {
        leave_if_asked(asked_);
        turns_ += static_cast<std::int64_t>(turns.size());
        Simulation::visit(turns);
    }

    [[nodiscard]] Command decide(const SourceFacts& facts) override {
        if (facts.stop == Stop::no) {
            if (segment_.ending == Ending::broken_off && has_decided_all()) {
                close_interval(facts);
                throw Enough{};
            }
            ++decisions_;
        }
        return Simulation::decide(facts);
    }

    /// The run noticed its signal when it had begun its last turn and made its last decision, and
    /// then it ended with the last turn; or while it waited for a request, which idle_until()
    /// finds.
    [[nodiscard]] std::int32_t interrupted() const override {
        const bool in_turns = anything_under_way() && segment_.end == segment_.last_turn_end;
        const bool now = is_at_interrupt() && (in_turns || clock() >= segment_.end);
        return now ? static_cast<std::int32_t>(ExitCode::interrupted) : 0;
    }

    [[nodiscard]] bool idle_until(Nanoseconds time) override {
        if (is_at_interrupt()) {
            (void)Simulation::idle_until(segment_.end);
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
    [[nodiscard]] bool has_decided_all() const {
        return decisions_ == segment_.intervals.last - segment_.intervals.first;
    }
    [[nodiscard]] bool is_at_interrupt() const {
        return segment_.ending == Ending::interrupted && turns_ == segment_.turns &&
               has_decided_all();
    }

    const RecordedTokens& tokens_;
    const Segment& segment_;
    int (*asked_)();
    std::int64_t turns_ = 0;
    std::size_t decisions_ = 0;
};

void rerun(
    const trace::Trace& trace,
    const Outline& outline,
    const RecordedTokens& tokens,
    Subject subject,
    const Segment& segment,
    const ReplayWatch& watch,
    Replay& result
) {
    if (segment.intervals.first == segment.intervals.last && segment.ending != Ending::complete) {
        return; // nothing was committed
    }
    std::optional<ResumePoint> resume;
    if (segment.intervals.first > 0) {
        resume = resume_point(std::span(trace.intervals).first(segment.intervals.first));
        subject.resume = &*resume;
    }
    Judge judge(trace, segment, watch, result);
    subject.sink = &judge;
    const config::Scenario& scenario = *subject.scenario;
    const ResumePoint* const from = subject.resume;
    CourseSettings settings = course_settings(scenario, outline.prompts, from);
    if (const auto imagined = trace.header.attributes.find(kImaginedRequests);
        imagined != trace.header.attributes.end()) {
        settings.queue = sequences_in(imagined->second, settings.requests.size());
    }
    Rerun simulation(outline, std::move(subject), tokens, segment, watch.interrupted);
    try {
        const RunOutcome outcome = simulation.run(std::move(settings));
        leave_if_asked(watch.interrupted); // as an outcome it is one of the run's own
        if (!outcome.message.empty()) {
            result.differences = {fmt::format("the run: recorded | {}", outcome.message)};
        }
    } catch (const Enough&) {
    }
    judge.expect_all();
}

} // namespace

Replay replay(
    const trace::Trace& trace,
    const config::Scenario& scenario,
    const scheduler::Policy& policy,
    const ReplayWatch& watch
) {
    const Outline outline = recorded_outline(trace.header, scenario);
    check_ids(trace, scenario);
    Subject subject;
    subject.scenario = &scenario;
    subject.policy = &policy;
    subject.attributes = trace.header.attributes;
    subject.trace_ops = trace.header.with_ops;
    Replay result;
    const RecordedTokens tokens(trace);
    const std::vector<Segment> segments = segments_of(trace);
    result.resumptions = static_cast<std::int64_t>(segments.size()) - 1;
    for (const Segment& segment : segments) {
        rerun(trace, outline, tokens, subject, segment, watch, result);
        if (!result.differences.empty()) {
            break;
        }
    }
    return result;
}

} // namespace headroom::runtime
