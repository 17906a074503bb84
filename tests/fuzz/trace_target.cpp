#include <exception>
#include <ostream>
#include <streambuf>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "cli/run/summary_text.hpp"
#include "cli/sweep/collect_rows.hpp"
#include "cli/trace/inspect_trace_events.hpp"
#include "cli/trace/inspect_trace_json.hpp"
#include "cli/trace/inspect_trace_pictures.hpp"
#include "cli/trace/inspect_trace_tables.hpp"
#include "fuzz/child_process.hpp"
#include "fuzz/scratch_file.hpp"
#include "fuzz/targets.hpp"
#include "runtime/messages/resume_point.hpp"
#include "runtime/offline/planning_previous.hpp"
#include "runtime/offline/recording.hpp"
#include "runtime/offline/replay.hpp"
#include "scheduler/policies/registry.hpp"
#include "trace/analysis/csv.hpp"
#include "trace/analysis/interrupts.hpp"
#include "trace/export/perfetto.hpp"
#include "trace/hdf5/overview.hpp"
#include "trace/hdf5/reader.hpp"
#include "trace/hdf5/summary_file.hpp"

namespace headroom::fuzz {

namespace {

/// A stream buffer that discards all output.
class NullBuffer final : public std::streambuf {
  protected:
    int overflow(int c) override { return c == EOF ? 0 : c; }
    std::streamsize xsputn(const char*, std::streamsize n) override { return n; }
};

/// Runs a reader and ignores its refusal, so that the next reader is run, too.
template <class Reader>
void try_reader(Reader reader) {
    try {
        reader();
    } catch (const InputError&) {
    } catch (const EnvironmentError&) {
    } catch (const StuckError&) {
    } catch (const InfeasibleError&) {
    }
}

void inspect(const trace::TraceFile& file) {
    const trace::Summary summary = trace::summary_of(file.trace);
    (void)cli::summary_text(summary);
    (void)cli::pictures_text(file.trace, summary, {});
    (void)cli::placement_table(file.trace);
    (void)cli::event_list(file.trace);
    (void)cli::decision_table(file.trace);
    (void)cli::trace_json(file, summary)
        .dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

void collect(const trace::Trace& trace) {
    cli::CollectedRun run;
    run.file = "a.h5";
    run.scenario = trace.header.scenario;
    run.summary = trace::summary_of(trace);
    cli::CollectedRun second = run;
    second.file = "b.h5";
    (void)cli::collection_text(cli::collect_rows({run, second}));
}

void export_all(const trace::Trace& trace) {
    NullBuffer null;
    std::ostream out(&null);
    for (const trace::CsvTable& table : trace::csv_tables(trace)) {
        table.write(out);
    }
    (void)trace::write_perfetto(trace, out);
}

void replay(const trace::Trace& trace) {
    const config::Scenario scenario = runtime::recorded_scenario(trace.header, {});
    const auto policy = scheduler::make_policy(scenario.controller.policy);
    (void)runtime::replay(trace, scenario, *policy);
}

void resume(const trace::Trace& trace) {
    const config::Scenario scenario = runtime::recorded_scenario(trace.header, {});
    (void)runtime::recorded_workload(trace.header, scenario);
    runtime::check_ids(trace, scenario);
    (void)runtime::resume_point(trace.intervals);
    trace::Trace rest = trace;
    if (!rest.intervals.empty()) {
        trace::drop_interrupted_requests(rest.intervals.back());
    }
}

void plan_from(const trace::Trace& trace) {
    const config::Scenario scenario = runtime::recorded_scenario(trace.header, {});
    const runtime::WorkloadDescription workload =
        runtime::recorded_workload(trace.header, scenario);
    const scheduler::Blocks blocks(workload.shape, scenario.controller.cut());
    const auto written = runtime::placement_in_force(trace, "previous.h5", {});
    (void)runtime::previous_placement(written, scenario.fleet, blocks);
}

int run_all_readers(const std::string& path) {
    try_reader([&] { (void)trace::read_trace_overview(path); }); // sweep
    (void)trace::is_summary_file(path);
    const trace::TraceFile file = trace::open_trace(path);
    try_reader([&] { inspect(file); });
    try_reader([&] { collect(file.trace); });
    try_reader([&] { export_all(file.trace); });
    try_reader([&] { replay(file.trace); });
    try_reader([&] { resume(file.trace); });
    try_reader([&] { plan_from(file.trace); });
    return 1;
}

} // namespace

int fuzz_trace(std::span<const std::byte> input) {
    static const ScratchFile scratch("trace");
    scratch.write({reinterpret_cast<const char*>(input.data()), input.size()});
    return run_in_child([] { return run_all_readers(scratch.path()); });
}

} // namespace headroom::fuzz
