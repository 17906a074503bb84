#include "cli/run/resume.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "cli/run/resume_check.hpp"
#include "cli/run/run_command.hpp"
#include "cli/run/run_session.hpp"
#include "cli/run/summary_text.hpp"
#include "kernels/kernels.hpp"
#include "runtime/offline/recording.hpp"
#include "trace/analysis/interrupts.hpp"
#include "trace/hdf5/writer.hpp"
#include "trace/records/labels.hpp"

namespace headroom::cli {

namespace {

template <class... Values>
[[noreturn]] void refuse(
    const RunCommand& command, fmt::format_string<Values...> why, Values&&... values
) {
    throw InputError(fmt::format(
        "--resume {}: {}",
        command.resume.string(),
        fmt::format(why, std::forward<Values>(values)...)
    ));
}

void check(const RunCommand& command, const trace::TraceFile& file) {
    if (file.is_being_written) {
        refuse(command, "its run is still going on, expected one that was broken off");
    }
    if (file.trace.header.model.empty()) {
        refuse(
            command,
            "has schema version {}, expected {}: older traces do not hold enough; run the "
            "scenario again",
            file.schema_version,
            trace::kSchemaVersion
        );
    }
    if (const std::string how = trace::attribute_of(file.trace.header, "execution");
        how != "decoded") {
        refuse(
            command,
            "was not decoded but {}, expected the trace of a headroom run; what takes no time "
            "can be done again",
            how
        );
    }
}

/// Reads the scenario from the trace. Relative paths start at the folder of the original scenario.
config::Scenario scenario_in(const RunCommand& command, const trace::RunHeader& header) {
    config::Overrides changes;
    changes.clock = command.overrides.clock;
    if (!command.model.empty()) {
        changes.set.push_back(
            fmt::format("model.file={}", std::filesystem::absolute(command.model).string())
        );
    }
    changes.model_must_exist = command.overrides.model_must_exist;
    const std::filesystem::path folder = trace::attribute_of(header, "host_folder");
    try {
        config::Scenario scenario =
            config::parse_scenario(header.scenario, folder / "scenario.toml", changes);
        scenario.input_files = header.input_files;
        return scenario;
    } catch (const InputError& error) {
        refuse(
            command,
            "its scenario cannot be used here: {}\n  if only the model is elsewhere, give "
            "--model MODEL.gguf",
            error.what()
        );
    }
}

/// Adds the name of the trace to an InputError of `check`.
template <class Check>
void refuse_unless(const RunCommand& command, Check check) {
    try {
        check();
    } catch (const InputError& error) {
        refuse(command, "{}", error.what());
    }
}

/// Returns the required kernel level. The results of OpenBLAS differ from those of all other
/// levels, and between its variants for different CPUs; all other levels have equal results.
std::string kernels_for(const RunCommand& command, const trace::RunHeader& header) {
    constexpr auto kOpenblas = kernels::Level::openblas;
    const std::string recorded = trace::attribute_of(header, "kernels");
    const std::string core = trace::attribute_of(header, "openblas_core");
    const bool is_openblas = recorded == kernels::name_of(kOpenblas);
    const std::string requested = requested_kernels(command);
    if (!requested.empty() && (requested == kernels::name_of(kOpenblas)) != is_openblas) {
        refuse(
            command,
            "was computed by {} kernels, found {}: their bits differ, and so could the text; "
            "leave out --kernels and HEADROOM_KERNELS",
            recorded,
            requested
        );
    }
    if (is_openblas && core != kernels::openblas_core()) {
        refuse(
            command,
            "was computed by OpenBLAS for {}, found {}: their bits differ, and so could the "
            "text; set OPENBLAS_CORETYPE={}",
            core,
            kernels::openblas_core(),
            core
        );
    }
    const bool would_differ = requested.empty() && kernels::best_level() == kOpenblas;
    return is_openblas    ? recorded
           : would_differ ? std::string(kernels::name_of(kernels::Level::reference))
                          : std::string();
}

} // namespace

Resumption prepare_resumption(const RunCommand& command, trace::TraceFile file) {
    check(command, file);
    if (!file.possible_writer.empty()) {
        print_warnings({trace::assumed_dead_warning(command.resume.string(), file.possible_writer)}
        );
    }
    Resumption resumption;
    resumption.scenario = scenario_in(command, file.trace.header);
    refuse_unless(command, [&] {
        check_derivable(command, file.trace, true);
        check_fits_model(command, file.trace, resumption.scenario);
    });
    resumption.kernels = kernels_for(command, file.trace.header);
    resumption.model_hash = trace::attribute_of(file.trace.header, "model_hash");
    resumption.point = runtime::resume_point(file.trace.intervals);
    resumption.point.semantics = file.trace.header.semantics();
    resumption.trace = std::move(file.trace);
    if (!resumption.trace.intervals.empty()) {
        trace::drop_interrupted_requests(resumption.trace.intervals.back());
    }
    return resumption;
}

bool is_complete(const trace::TraceFile& file) {
    if (trace::attribute_of(file.trace.header, "execution") != "decoded" ||
        file.trace.header.model.empty()) {
        return false; // such a trace cannot be resumed
    }
    const auto requests = file.trace.header.numbers.find("sequences");
    const std::size_t ended = runtime::resume_point(file.trace.intervals).ended.size();
    return file.trace.completion == trace::Completion::finished ||
           (!file.is_being_written && requests != file.trace.header.numbers.end() &&
            static_cast<std::int64_t>(ended) == requests->second);
}

std::string resumption_text(const RunCommand& command, const Resumption& resumption) {
    const runtime::ResumePoint& point = resumption.point;
    return fmt::format(
        "resuming {}: {} intervals, {} tokens, {}; {} of {} sequences have ended, {} {} on",
        command.resume.string(),
        point.intervals,
        point.sampled,
        format_duration(point.clock),
        point.ended.size(),
        resumption.scenario.workload.requests(),
        point.unfinished.size(),
        point.unfinished.size() == 1 ? "goes" : "go"
    );
}

void print_recorded_texts(Console& console, const trace::Trace& trace, bool several) {
    for (const trace::Interval& interval : trace.intervals) {
        for (const trace::RequestRow& request : interval.requests) {
            if (several) {
                console.on_text(request.sequence, request.text);
                continue;
            }
            const auto prompt = static_cast<std::size_t>(request.prompt_bytes);
            console.on_prompt(request.text.substr(0, prompt));
            console.on_token(request.text.substr(prompt), request.sampled_tokens);
        }
    }
}

int finish_complete_run(const RunCommand& command, const trace::TraceFile& file) {
    const std::filesystem::path out = command.trace.empty() ? command.resume : command.trace;
    const bool finished = file.trace.completion == trace::Completion::finished;
    const bool elsewhere = !command.trace.empty();
    refuse_unless(command, [&] { check_derivable(command, file.trace, false); });
    if (elsewhere) {
        check_trace_destination(out, command.force);
    }
    if (!finished || elsewhere) {
        const auto sink = trace::make_resumed_sink(out.string(), file.trace);
        sink->begin(file.trace.header);
        sink->end(trace::Completion::finished);
    }
    const trace::Summary summary = trace::summary_of(file.trace);
    if (command.json) {
        nlohmann::json json = summary_json(summary);
        json["trace"] = out.string();
        json["exit_code"] = 0;
        print_json(json);
    } else {
        Console console(Terminal::detect(), summary.sampled_tokens, command.text, false);
        print_recorded_texts(console, file.trace, trace::could_overlap(file.trace.header));
        console.finish();
    }
    std::fflush(stdout);
    say(stderr,
        "{}: {}\n",
        out.string(),
        finished ? "is finished already, nothing is left to do" : "all sequences had ended; closed"
    );
    return 0;
}

} // namespace headroom::cli
