// `headroom collect`: the traces of a folder as one table.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "cli/cell_files.hpp"
#include "cli/collect_rows.hpp"
#include "cli/file_kind.hpp"
#include "cli/roll_call.hpp"
#include "cli/summary_text.hpp"
#include "cli/trace_commands.hpp"
#include "trace/hdf5/reader.hpp"
#include "trace/hdf5/summary_file.hpp"

namespace headroom::cli {

namespace {

/// What a folder holds, and what there is to say about it.
struct Found {
    std::vector<CollectedRun> runs;
    std::vector<std::string> notes;
    std::map<std::string, std::size_t> programs; ///< version and commit -> traces
};

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

/// The scenario's file among the inputs: its name without folder and extension.
std::string scenario_name(const std::map<std::string, std::string>& inputs) {
    for (const auto& [path, contents] : inputs) {
        if (std::filesystem::path(path).extension() == ".toml") {
            return std::filesystem::path(path).stem().string();
        }
    }
    return "";
}

std::string program_of(const trace::RunHeader& header) {
    const auto text = [&](const char* name) {
        const auto found = header.attributes.find(name);
        return found == header.attributes.end() ? "?" : found->second;
    };
    return fmt::format("{} ({})", text("program_version"), text("program_commit"));
}

/// Figures of different programs may differ for no other reason.
void note_programs(Found& found) {
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
        return file.being_written ? "running" : "killed";
    }
    return trace::completion_names()[static_cast<std::size_t>(file.trace.completion)];
}

CollectedRun run_of(const std::filesystem::path& path, const trace::TraceFile& file) {
    const trace::RunHeader& header = file.trace.header;
    const auto execution = header.attributes.find("execution");
    CollectedRun run{
        path.filename().string(),
        scenario_name(header.input_files),
        header.scenario,
        execution == header.attributes.end() ? "" : execution->second,
        state_of(file),
        std::nullopt,
        "",
        std::nullopt};
    if (file.trace.completion == trace::Completion::finished) {
        run.exit_code = 0;
    }
    trace::Summarizer summarizer;
    summarizer.begin(header);
    for (const trace::Interval& interval : file.trace.intervals) {
        summarizer.commit(interval);
    }
    if (const trace::Summary summary = summarizer.summary(); summary.sampled_tokens > 0) {
        run.summary = summary;
    }
    return run;
}

/// The run of a trace; nothing, and a note, if the file is another kind of HDF5 file.
std::optional<CollectedRun> read_run(const std::filesystem::path& path, Found& found) {
    if (trace::is_summary_file(path.string())) {
        return std::nullopt;
    }
    try {
        const trace::TraceFile file = trace::open_trace(path.string());
        ++found.programs[program_of(file.trace.header)];
        return run_of(path, file);
    } catch (const InputError& error) {
        const std::string text = error.what();
        found.notes.push_back(fmt::format("left out {}", text.substr(0, text.find('\n'))));
        return std::nullopt;
    }
}

/// A cell that failed: its record, and the figures of what it had decoded until then.
void add_failure(const std::filesystem::path& path, Found& found) {
    const std::string name = path.filename().string();
    const std::string cell = name.substr(0, name.size() - CellFiles::kFailure.size());
    const CellFiles files(path.parent_path(), cell);
    if (std::filesystem::exists(files.trace())) {
        return; // it came to its end later
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

/// Whether the trace belongs to a record of a failure, which tells more.
bool has_record(const std::filesystem::path& trace) {
    const std::string name = trace.filename().string();
    return name.ends_with(CellFiles::kFailedTrace) &&
           std::filesystem::exists(
               trace.parent_path() / (name.substr(0, name.size() - CellFiles::kFailedTrace.size()) +
                                      std::string(CellFiles::kFailure))
           );
}

Found find_runs(const std::filesystem::path& folder) {
    Found found;
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

[[noreturn]] void complain_of_no_runs(const std::filesystem::path& folder, const Found& found) {
    std::string text = fmt::format(
        "{}: has no traces, expected some (.h5): run headroom sweep SWEEP.toml --run-all --out {}, "
        "or name another folder",
        folder.string(),
        folder.string()
    );
    for (const std::string& note : found.notes) {
        text += "\n  " + note;
    }
    throw InputError(text);
}

/// --force replaces tables, never a trace that was named by mistake.
void check_output(const CollectCommand& command) {
    const std::filesystem::path& out = command.out;
    const std::string extension = out.extension().string();
    if (extension != ".h5" && extension != ".csv") {
        throw InputError(fmt::format(
            "-o {}: ends in '{}', expected a name with .h5 or .csv at its end, which say the "
            "format; give -o summary.csv",
            out.string(),
            extension
        ));
    }
    std::error_code unknown;
    const std::filesystem::path folder = out.has_parent_path() ? out.parent_path() : ".";
    if (!std::filesystem::is_directory(folder, unknown)) {
        throw InputError(fmt::format(
            "-o {}: {} is not a directory, expected an existing one: make it (mkdir -p) or give "
            "another -o",
            out.string(),
            folder.string()
        ));
    }
    if (!std::filesystem::exists(out, unknown)) {
        return;
    }
    if (!command.force) {
        throw InputError(fmt::format(
            "-o {}: exists already, expected a new name: give another -o, or --force to overwrite "
            "it",
            out.string()
        ));
    }
    if (!std::filesystem::is_regular_file(out, unknown) ||
        (extension == ".h5" && !trace::is_summary_file(out.string()))) {
        throw InputError(fmt::format(
            "-o {}: exists and is no table of collect, expected a new name or an old table: "
            "--force does not overwrite other files; give another -o",
            out.string()
        ));
    }
}

void write_text(const std::filesystem::path& path, const std::string& text) {
    std::ofstream file(path, std::ios::binary);
    file << text;
    file.close();
    if (!file) {
        throw EnvironmentError(std::strerror(errno));
    }
}

/// The file is whole when it gets its name.
void write_table(const std::filesystem::path& out, const trace::FigureTable& table) {
    const std::filesystem::path aside =
        fmt::format("{}~{}-{}", out.string(), host_name(), getpid());
    try {
        if (out.extension() == ".h5") {
            trace::write_summary_file(aside.string(), table);
        } else {
            write_text(aside, trace::csv_text(table));
        }
        std::filesystem::rename(aside, out);
    } catch (const std::exception& error) {
        std::error_code gone;
        std::filesystem::remove(aside, gone);
        throw EnvironmentError(fmt::format(
            "-o {}: cannot be written: {}\n"
            "  expected room and the right to write there; what was there is unchanged",
            out.string(),
            error.what()
        ));
    }
}

nlohmann::ordered_json figure_json(const trace::Figure& figure) {
    return std::visit(
        [](const auto& value) -> nlohmann::ordered_json {
            if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::monostate>) {
                return nullptr;
            } else {
                return value;
            }
        },
        figure
    );
}

void print_rows_json(const Collection& collection, const CollectCommand& command) {
    nlohmann::ordered_json rows = nlohmann::ordered_json::array();
    for (std::size_t row = 0; row < collection.table.rows(); ++row) {
        nlohmann::ordered_json object = nlohmann::ordered_json::object();
        for (const trace::FigureColumn& column : collection.table.columns) {
            object[column.name] = figure_json(column.values[row]);
        }
        rows.push_back(std::move(object));
    }
    nlohmann::json json{{"rows", rows}, {"notes", collection.notes}};
    if (!command.out.empty()) {
        json["out"] = command.out.string();
    }
    print_json(json);
}

} // namespace

int collect_command(const CollectCommand& command) {
    if (!command.out.empty()) {
        check_output(command);
    }
    Found found = find_runs(command.folder);
    if (found.runs.empty()) {
        complain_of_no_runs(command.folder, found);
    }
    Collection collection = collected(found.runs);
    collection.notes.insert(collection.notes.begin(), found.notes.begin(), found.notes.end());
    for (const std::string& note : collection.notes) {
        fmt::print(stderr, "headroom: note: {}\n", note);
    }
    std::fflush(stderr);
    if (!command.out.empty()) {
        write_table(command.out, collection.table);
    }
    if (command.json) {
        print_rows_json(collection, command);
    } else if (command.out.empty()) {
        fmt::print("{}", collection_text(collection));
    } else {
        fmt::print(
            "{}: {} run{}, {} columns\n",
            command.out.string(),
            collection.table.rows(),
            collection.table.rows() == 1 ? "" : "s",
            collection.table.columns.size()
        );
    }
    std::fflush(stdout);
    return 0;
}

} // namespace headroom::cli
