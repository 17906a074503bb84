#include "cli/sweep/collect_files.hpp"

#include <algorithm>
#include <optional>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"
#include "cli/sweep/cell_files.hpp"
#include "trace/analysis/parts.hpp"
#include "trace/hdf5/reader.hpp"
#include "trace/hdf5/summary_file.hpp"
#include "trace/records/labels.hpp"

namespace headroom::cli {

namespace {

using namespace std::string_view_literals;

std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder) {
    std::error_code failure;
    if (!std::filesystem::is_directory(folder, failure)) {
        throw InputError(fmt::format(
            "{}: {}, expected a folder with traces (.h5): give the one that headroom sweep wrote "
            "to, or the one that your --trace files are in",
            folder.string(),
            std::filesystem::exists(folder, failure) ? "is no folder" : "there is no such folder"
        ));
    }
    std::vector<std::filesystem::path> files;
    for (std::filesystem::directory_iterator at(folder, failure), end; !failure && at != end;
         at.increment(failure)) {
        files.push_back(at->path());
    }
    if (failure) {
        throw EnvironmentError(fmt::format(
            "{}: cannot be read: {}; expected a folder that you may read, see ls -ld",
            folder.string(),
            failure.message()
        ));
    }
    std::sort(files.begin(), files.end());
    return files;
}

/// Returns the name of the scenario's file, which is one of the input files, without folder and
/// extension.
std::string scenario_name(const std::map<std::string, std::string>& inputs) {
    for (const auto& [path, contents] : inputs) {
        if (std::filesystem::path(path).extension() == ".toml") {
            return std::filesystem::path(path).stem().string();
        }
    }
    return "";
}

std::string program_of(const trace::RunHeader& header) {
    return fmt::format(
        "{} ({})",
        trace::attribute_of(header, "program_version", "?"),
        trace::attribute_of(header, "program_commit", "?")
    );
}

/// Adds a note if the traces are of different versions, because this alone can change figures.
void note_programs(FoundRuns& found) {
    if (found.programs.size() < 2) {
        return;
    }
    std::vector<std::string> parts;
    for (const auto& [program, traces] : found.programs) {
        parts.push_back(fmt::format("{} from {}", traces, program));
    }
    found.notes.push_back(fmt::format(
        "the traces are of {} versions of headroom: {}", parts.size(), fmt::join(parts, ", ")
    ));
}

std::string state_of(const trace::TraceFile& file) {
    if (file.trace.completion == trace::Completion::running) {
        return file.is_being_written ? "running" : "killed";
    }
    return trace::completion_names()[static_cast<std::size_t>(file.trace.completion)];
}

CollectedRun run_of(const std::filesystem::path& path, const trace::TraceFile& file) {
    const trace::RunHeader& header = file.trace.header;
    CollectedRun run{
        path.filename().string(),
        scenario_name(header.input_files),
        header.scenario,
        trace::attribute_of(header, "execution"),
        state_of(file),
        std::nullopt,
        "",
        std::nullopt};
    if (header.attributes.contains(trace::kPolicyFile)) {
        run.own_policy = trace::attribute_of(header, "policy");
    }
    if (file.trace.completion == trace::Completion::finished) {
        run.exit_code = 0;
    }
    if (const trace::Summary summary = trace::summary_of(file.trace); summary.sampled_tokens > 0) {
        run.summary = summary;
    }
    return run;
}

std::string left_out(const InputError& error) {
    const std::string text = error.what();
    return fmt::format("left out {}", text.substr(0, text.find('\n')));
}

/// Returns the run of a trace. Returns nothing for a table of `collect`, and nothing with a note
/// for other files that are no traces.
std::optional<CollectedRun> read_run(const std::filesystem::path& path, FoundRuns& found) {
    if (trace::is_summary_file(path.string())) {
        return std::nullopt;
    }
    try {
        const trace::TraceFile file = trace::open_trace(path.string());
        ++found.programs[program_of(file.trace.header)];
        return run_of(path, file);
    } catch (const InputError& error) {
        found.notes.push_back(left_out(error));
        return std::nullopt;
    }
}

void add_failure(const std::filesystem::path& path, FoundRuns& found) {
    const std::string name = path.filename().string();
    const std::string cell = name.substr(0, name.size() - CellFiles::kFailure.size());
    const CellFiles files(path.parent_path(), cell);
    if (std::filesystem::exists(files.trace())) {
        return; // a later run of the cell has finished
    }
    const std::optional<CellFailure> failure = read_failure(path);
    if (!failure) {
        found.notes.push_back(fmt::format("left out {}: no record of a failed cell", path.string())
        );
        return;
    }
    CollectedRun run{name, failure->scenario_name, failure->scenario, "", "failed", {}, "", {}};
    if (std::filesystem::exists(files.failed_trace())) {
        if (const auto decoded = read_run(files.failed_trace(), found)) {
            run.execution = decoded->execution;
            run.summary = decoded->summary;
        }
    }
    run.exit_code = failure->exit_code;
    run.error = failure->error.empty() ? "" : failure->error.front();
    found.runs.push_back(std::move(run));
}

/// Returns whether the trace belongs to a failed cell with a record, which add_failure reads.
bool has_record(const std::filesystem::path& trace) {
    const std::string name = trace.filename().string();
    return name.ends_with(CellFiles::kFailedTrace) &&
           std::filesystem::exists(
               trace.parent_path() / (name.substr(0, name.size() - CellFiles::kFailedTrace.size()) +
                                      std::string(CellFiles::kFailure))
           );
}

/// Sorts the runs of the sweep's cells by the order of the cells, before all others, and gives them
/// the settings of their cells.
void sort_by_cell(const config::Sweep& sweep, std::vector<CollectedRun>& runs) {
    std::map<std::string, std::size_t> indices;
    for (std::size_t i = 0; i < sweep.cells.size(); ++i) {
        for (const std::string_view end : {".h5"sv, CellFiles::kFailure, CellFiles::kFailedTrace}) {
            indices[sweep.cells[i].name + std::string(end)] = i;
        }
    }
    for (CollectedRun& run : runs) {
        if (const auto index = indices.find(run.file); index != indices.end()) {
            run.cell = index->second;
            run.settings = sweep.cells[run.cell].settings;
        }
    }
    std::stable_sort(runs.begin(), runs.end(), [](const CollectedRun& a, const CollectedRun& b) {
        return a.cell < b.cell;
    });
}

} // namespace

FoundRuns find_runs(const std::filesystem::path& folder) {
    FoundRuns found;
    std::size_t half_written = 0;
    for (const std::filesystem::path& path : files_in(folder)) {
        const std::string name = path.filename().string();
        if (name.ends_with(CellFiles::kFailure)) {
            add_failure(path, found);
        } else if (name.ends_with(".h5") && !has_record(path)) {
            if (auto run = read_run(path, found)) {
                found.runs.push_back(std::move(*run));
            }
        }
        half_written += name.ends_with(CellFiles::kPartial) ? 1U : 0U;
    }
    try {
        if (const std::optional<config::Sweep> sweep = saved_sweep(folder)) {
            sort_by_cell(*sweep, found.runs);
        }
    } catch (const InputError& error) {
        found.notes.push_back(left_out(error));
    }
    note_programs(found);
    if (half_written > 0) {
        found.notes.push_back(fmt::format(
            "{} half-written cell{} not counted: headroom sweep SWEEP.toml --run-all finishes them",
            half_written,
            half_written == 1 ? " is" : "s are"
        ));
    }
    return found;
}

} // namespace headroom::cli
