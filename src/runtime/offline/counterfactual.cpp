// What would have happened under another policy.
#include <map>
#include <utility>

#include "base/error.hpp"
#include "runtime/offline/recording.hpp"
#include "runtime/offline/replay.hpp"
#include "runtime/offline/simulation.hpp"

namespace headroom::runtime {

namespace {

/// The texts of the run, in a trace of what would have happened: they are the same.
class WithTexts final : public trace::Sink {
  public:
    WithTexts(const trace::Trace& recorded, trace::Sink* sink) : sink_(sink) {
        for (const trace::Interval& interval : recorded.intervals) {
            for (const trace::RequestRow& request : interval.requests) {
                texts_[request.sequence] = &request;
            }
        }
    }
    void begin(const trace::RunHeader& header) override {
        if (sink_ != nullptr) {
            sink_->begin(header);
        }
    }
    void commit(const trace::Interval& interval) override {
        trace::Interval told = interval;
        for (trace::RequestRow& request : told.requests) {
            const auto recorded = texts_.find(request.sequence);
            if (recorded != texts_.end()) {
                request.prompt_bytes = recorded->second->prompt_bytes;
                request.text = recorded->second->text;
            }
        }
        if (sink_ != nullptr) {
            sink_->commit(told);
        }
    }
    void end(trace::Completion completion) override {
        if (sink_ != nullptr) {
            sink_->end(completion);
        }
    }

  private:
    trace::Sink* sink_;
    std::map<std::int64_t, const trace::RequestRow*> texts_;
};

/// The whole run under another policy: the same tokens, whoever computes them.
class Counterfactual final : public Simulation {
  public:
    Counterfactual(
        const Outline& outline, Subject subject, const RecordedTokens& tokens, int (*asked)()
    )
        : Simulation(outline, std::move(subject)), tokens_(tokens), asked_(asked) {}
    [[nodiscard]] std::int32_t interrupted() const override {
        return asked_ == nullptr ? 0 : asked_();
    }

  protected:
    [[nodiscard]] SampledToken token_of(const Turn& turn) override {
        SampledToken token = tokens_.at(turn.sequence, turn.position());
        token.ends_text = tokens_.is_last(turn.sequence, turn.position());
        return token;
    }

  private:
    const RecordedTokens& tokens_;
    int (*asked_)();
};

/// Those of the run, marked; of the program and the host that imagine it.
std::map<std::string, std::string> counterfactual_attributes(
    const std::map<std::string, std::string>& recorded,
    const std::map<std::string, std::string>& own
) {
    std::map<std::string, std::string> attributes = recorded;
    for (const char* const name :
         {"program_version", "program_commit", "host", "host_folder", "scenario_hash"}) {
        if (const auto found = own.find(name); found != own.end()) {
            attributes[name] = found->second;
        }
    }
    const auto keep = [&](const char* name, const char* as) {
        const auto found = recorded.find(name);
        attributes[as] = found == recorded.end() ? "" : found->second;
    };
    keep("policy", "recorded_policy");
    keep("execution", "recorded_execution");
    attributes["execution"] = "counterfactual";
    attributes["clock"] = config::name_of(config::ClockMode::virtual_time);
    return attributes;
}

} // namespace

RunOutcome replay_under(
    const trace::Trace& trace, const RunOptions& options, int (*interrupted)()
) {
    const config::Scenario& scenario = *options.scenario;
    const Outline outline = recorded_outline(trace.header, scenario);
    check_ids(trace, scenario);
    const RecordedTokens tokens(trace);
    WithTexts sink(trace, options.sink);
    Subject subject;
    subject.scenario = &scenario;
    subject.policy = options.policy;
    subject.attributes = counterfactual_attributes(trace.header.attributes, options.attributes);
    subject.attributes["model"] = outline.name;
    subject.attributes[kImaginedRequests] = ranges_text(tokens.sequences());
    subject.trace_ops = options.trace_ops;
    subject.stop = options.stop;
    subject.sink = &sink;
    subject.observer = options.observer;
    CourseSettings settings = course_settings(scenario, outline.prompts, nullptr);
    settings.queue = tokens.sequences();
    if (settings.queue.empty()) {
        throw InputError("has no tokens, expected a run that sampled one");
    }
    Counterfactual simulation(outline, std::move(subject), tokens, interrupted);
    return simulation.run(std::move(settings));
}

} // namespace headroom::runtime
