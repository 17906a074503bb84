#include "fuzz/trace_seeds.hpp"

#include <hdf5.h>

#include "fuzz/scratch_file.hpp"
#include "runtime/offline/simulate.hpp"
#include "tests/trace/sample.hpp"
#include "trace/hdf5/writer.hpp"

namespace headroom::fuzz {

namespace {

constexpr const char* kScenario = R"(
[model]
shape = { layers = 2, heads = 4, kv_heads = 2, width = 64, ffn_width = 128, vocab = 300, context = 256 }
[workload]
prompt_tokens = 5
tokens = 6
[controller]
interval = 2
[[device]]
name = "a"
compute = "10 MFLOP/s"
memory = "400 KiB"
load = { kind = "uniform", low = 0.1, high = 0.6, period = "1 s" }
[[device]]
name = "b"
compute = "30 MFLOP/s"
memory = "1 MiB"
storage_bandwidth = "100 MB/s"
[network]
bandwidth = "1 Gbit/s"
latency = "1 ms"
[[event]]
at_token = 3
device = "b"
kind = "compute"
factor = 0.2
)";

trace::Trace simulated(const std::vector<std::string>& changes, bool with_ops) {
    config::Overrides overrides;
    overrides.set = changes;
    const config::Scenario scenario = config::parse_scenario(kScenario, "seed.toml", overrides);
    const auto policy = scheduler::make_policy(scenario.controller.policy);
    trace::MemorySink sink;
    runtime::RunOptions options;
    options.scenario = &scenario;
    options.policy = policy.get();
    options.sink = &sink;
    options.trace_ops = with_ops;
    (void)runtime::simulate(options);
    return trace::trace_of(sink);
}

std::string file_of(const trace::Trace& trace) {
    const ScratchFile file("seed");
    trace::sample::record(trace, *trace::make_hdf5_sink(file.path(), true));
    return file.read();
}

/// Returns the file that a kill after the last commit would leave.
std::string killed_file_of(const trace::Trace& trace) {
    const ScratchFile file("seed");
    const auto sink = trace::make_hdf5_sink(file.path(), true);
    sink->begin(trace.header);
    for (const trace::Interval& interval : trace.intervals) {
        sink->commit(interval);
    }
    std::string bytes = file.read();
    sink->end(trace.completion);
    return bytes;
}

/// Returns the file in schema version 3, without the tables that version 4 added.
std::string as_version_3(const std::string& bytes) {
    const ScratchFile scratch("seed");
    scratch.write(bytes);
    const hid_t file = H5Fopen(scratch.path().c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    for (const char* const name : {"model", "layers", "prompts"}) {
        H5Ldelete(file, name, H5P_DEFAULT);
    }
    const hid_t version = H5Aopen(file, "schema_version", H5P_DEFAULT);
    const std::int64_t older = trace::kOldestSchemaVersion;
    H5Awrite(version, H5T_NATIVE_INT64, &older);
    H5Aclose(version);
    H5Fclose(file);
    return scratch.read();
}

trace::Trace interrupted_trace(trace::Trace trace, trace::Completion completion) {
    trace.header.attributes["execution"] = "decoded";
    trace.intervals.resize(trace.intervals.size() / 2 + 1);
    trace.completion = completion;
    return trace;
}

} // namespace

const std::vector<std::string>& valid_traces() {
    static const std::vector<std::string> all = [] {
        const std::vector<std::string> several{
            "workload.repeat=4",
            "workload.sequences=2",
            "workload.prefill_chunk=2",
            "controller.policy=ring"};
        const trace::Trace one = simulated({}, true);
        const trace::Trace plain = simulated({"workload.tokens=12"}, false);
        const trace::Trace many = simulated(several, true);
        trace::Trace resumed = interrupted_trace(plain, trace::Completion::interrupted);
        if (resumed.intervals.size() > 1) {
            resumed.intervals.back().row.reason = static_cast<std::int32_t>(trace::Reason::resumed);
        }
        return std::vector<std::string>{
            file_of(one),
            file_of(plain),
            file_of(many),
            file_of(interrupted_trace(plain, trace::Completion::interrupted)),
            file_of(resumed),
            killed_file_of(interrupted_trace(many, trace::Completion::running)),
            as_version_3(file_of(one)),
            file_of(trace::sample::trace(4, true)),
        };
    }();
    return all;
}

} // namespace headroom::fuzz
