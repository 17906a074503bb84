#include "support/simulated_run.hpp"

#include "runtime/offline/simulate.hpp"
#include "support/replay_check.hpp"

namespace headroom::support {

FleetRun simulated(const config::Scenario& scenario, const scheduler::Policy* policy) {
    trace::MemorySink sink;
    const auto own = scheduler::make_policy(scenario.controller.policy);
    runtime::RunOptions options;
    options.scenario = &scenario;
    options.policy = policy != nullptr ? policy : own.get();
    options.sink = &sink;
    options.trace_ops = true;
    FleetRun run;
    run.outcome = runtime::simulate(options);
    run.trace = trace::trace_of(sink);
    expect_replayable(run.trace, scenario, *options.policy);
    return run;
}

trace::Trace without_values(trace::Trace trace) {
    for (const char* const name : {"execution", "kernels", "kernels_note", "model_hash"}) {
        trace.header.attributes.erase(name);
    }
    for (trace::Interval& interval : trace.intervals) {
        for (trace::TokenRow& token : interval.tokens) {
            token.id = token.is_prompt != 0 ? token.id : -1;
            token.logits_checksum = 0;
        }
        for (trace::MigrationRow& move : interval.migrations) {
            move.checksum = 0;
        }
        for (trace::RequestRow& request : interval.requests) {
            request.prompt_bytes = 0;
            request.text.clear();
        }
    }
    return trace;
}

} // namespace headroom::support
