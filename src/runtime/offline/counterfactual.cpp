// Simulates a recorded run under another policy.
#include <map>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "runtime/offline/recording.hpp"
#include "runtime/offline/replay.hpp"
#include "runtime/offline/simulation.hpp"
#include "trace/analysis/parts.hpp"

namespace headroom::runtime {

namespace {

/// Adds the recorded texts to the trace of a counterfactual, which has the same tokens.
class SinkWithTexts final : public trace::Sink {
  public:
    SinkWithTexts(const trace::Trace& recorded, trace::Sink& sink) : sink_(sink) {
        for (const trace::Interval& interval : recorded.intervals) {
            for (const trace::RequestRow& request : interval.requests) {
                texts_[request.sequence] = &request;
            }
        }
    }
    void begin(const trace::RunHeader& header) override { sink_.begin(header); }
    void commit(const trace::Interval& interval) override {
        trace::Interval with_texts = interval;
        for (trace::RequestRow& request : with_texts.requests) {
            const auto recorded = texts_.find(request.sequence);
            if (recorded != texts_.end()) {
                request.prompt_bytes = recorded->second->prompt_bytes;
                request.text = recorded->second->text;
            }
        }
        sink_.commit(with_texts);
    }
    void end(trace::Completion completion) override { sink_.end(completion); }

  private:
    trace::Sink& sink_;
    std::map<std::int64_t, const trace::RequestRow*> texts_;
};

/// A simulation that samples the recorded tokens.
class Counterfactual final : public Simulation {
  public:
    Counterfactual(
        const WorkloadDescription& workload,
        ControllerContext context,
        const RecordedTokens& tokens,
        StopCheck interrupt_code
    )
        : Simulation(workload, std::move(context), interrupt_code), tokens_(tokens) {}

  protected:
    [[nodiscard]] SampledToken token_of(const Turn& turn) override {
        SampledToken token = tokens_.at(turn.sequence, turn.position());
        token.ends_text = tokens_.is_last(turn.sequence, turn.position());
        return token;
    }

  private:
    const RecordedTokens& tokens_;
};

/// Returns the recorded attributes, with those of the present program and host, and execution
/// "counterfactual".
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
    const auto keep = [&](const char* name, const char* as, const char* otherwise = "") {
        const auto found = recorded.find(name);
        attributes[as] = found == recorded.end() ? otherwise : found->second;
    };
    keep("policy", "recorded_policy");
    keep(trace::kPolicyVersion, "recorded_policy_version", trace::kFirstPolicyVersion);
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
    const WorkloadDescription workload = recorded_workload(trace.header, scenario);
    check_ids(trace, scenario);
    const RecordedTokens tokens(trace);
    ControllerContext context = context_of(options);
    context.attributes = counterfactual_attributes(trace.header.attributes, options.attributes);
    context.attributes["model"] = workload.name;
    context.semantics = trace.header.semantics();
    context.attributes[kCounterfactualRequests] = ranges_text(tokens.sequences());
    std::optional<SinkWithTexts> sink;
    if (options.sink != nullptr) {
        context.sink = &sink.emplace(trace, *options.sink);
    }
    ServingSettings settings = serving_settings(scenario, workload.prompts, nullptr);
    settings.queue = tokens.sequences();
    settings.semantics = trace.header.semantics();
    if (settings.queue.empty()) {
        throw InputError("has no tokens, expected a run that sampled one");
    }
    Counterfactual simulation(workload, std::move(context), tokens, interrupted);
    return simulation.run(std::move(settings));
}

} // namespace headroom::runtime
