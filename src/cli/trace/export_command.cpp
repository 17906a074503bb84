// `headroom export`: writes a trace as a Perfetto file, as CSV files, or both.
#include <algorithm>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/units.hpp"
#include "cli/input/commands.hpp"
#include "cli/input/file_kind.hpp"
#include "cli/run/summary_text.hpp"
#include "cli/terminal/atomic_file.hpp"
#include "cli/terminal/console.hpp"
#include "cli/terminal/interrupt.hpp"
#include "trace/analysis/csv.hpp"
#include "trace/export/perfetto.hpp"
#include "trace/hdf5/reader.hpp"

namespace headroom::cli {

namespace fs = std::filesystem;

namespace {

struct ExportCommand {
    fs::path trace;
    fs::path perfetto; ///< file to write
    fs::path csv;      ///< folder to write into
    bool force = false;
    bool json = false;
};

void add_export_options(Options& options, ExportCommand& command) {
    options.add("TRACE", command.trace, "trace (.h5)");
    options.add("--perfetto", command.perfetto, "trace-event JSON to write, for ui.perfetto.dev");
    options.add("--csv", command.csv, "folder to write one file per table into");
    options.add("--force", command.force, "overwrite what exists");
    options.add("--json", command.json, "print what was written as JSON");
}

void check_parent(const std::string& option, const fs::path& path) {
    const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
    std::error_code error;
    if (!fs::is_directory(parent, error)) {
        throw InputError(fmt::format(
            "{} {}: {} is not a folder, expected an existing one: make it (mkdir -p) or give "
            "another {}",
            option,
            path.string(),
            parent.string(),
            option
        ));
    }
}

void check_file_target(const ExportCommand& command) {
    const fs::path& path = command.perfetto;
    std::error_code error;
    if (fs::is_directory(path, error)) {
        throw InputError(fmt::format(
            "--perfetto {}: is a folder, expected the name of a file; give --perfetto {}",
            path.string(),
            (path / "trace.json").lexically_normal().string()
        ));
    }
    if (fs::equivalent(path, command.trace, error)) {
        throw InputError(fmt::format(
            "--perfetto {}: is the trace itself, expected another file; give another --perfetto",
            path.string()
        ));
    }
    if (fs::is_regular_file(path, error) && !command.force) {
        throw InputError(fmt::format(
            "--perfetto {}: exists already, expected a new name: give another --perfetto, or "
            "--force to overwrite it",
            path.string()
        ));
    }
    check_parent("--perfetto", path);
}

fs::path csv_path(const fs::path& folder, const std::string& table) {
    return folder / (table + ".csv");
}

constexpr const char* kScenarioFile = "scenario.toml";

void check_folder_target(const ExportCommand& command) {
    const fs::path& folder = command.csv;
    std::error_code error;
    if (!fs::exists(folder, error)) {
        check_parent("--csv", folder.has_filename() ? folder : folder.parent_path());
        return;
    }
    if (!fs::is_directory(folder, error)) {
        throw InputError(fmt::format(
            "--csv {}: is a file, expected a folder to write one file per table into; give another "
            "--csv",
            folder.string()
        ));
    }
    for (const std::string& table : trace::csv_table_names()) {
        // A symbolic link counts as a file even if its target does not exist.
        if (fs::exists(fs::symlink_status(csv_path(folder, table), error)) && !command.force) {
            throw InputError(fmt::format(
                "--csv {}: has {}.csv already, expected a folder without tables: give another "
                "--csv, or --force to overwrite them",
                folder.string(),
                table
            ));
        }
    }
}

/// Creates a folder. The destructor removes a new folder if it is still empty.
class NewFolder {
  public:
    explicit NewFolder(const fs::path& path) : path_(path) {
        defer_interrupts(); // so that an empty folder is removed
        std::error_code error;
        made_ = fs::create_directory(path, error);
        if (error) {
            throw EnvironmentError(fmt::format(
                "--csv {}: the folder cannot be made: {}; expected one that you may write to: give "
                "another --csv, or see ls -ld",
                path.string(),
                error.message()
            ));
        }
    }
    NewFolder(const NewFolder&) = delete;
    NewFolder& operator=(const NewFolder&) = delete;
    ~NewFolder() {
        if (made_) {
            std::error_code error;
            fs::remove(path_, error);
        }
    }

  private:
    fs::path path_;
    bool made_ = false;
};

struct PerfettoFile {
    std::unique_ptr<AtomicFile> file;
    trace::PerfettoCounts counts;
};

PerfettoFile write_perfetto_file(const trace::Trace& trace, const fs::path& path) {
    PerfettoFile result{std::make_unique<AtomicFile>(path), {}};
    result.counts = trace::write_perfetto(trace, result.file->stream());
    result.file->close();
    return result;
}

/// Writes all tables and then the scenario. The files do not have their names yet.
std::vector<std::unique_ptr<AtomicFile>> write_csv_files(
    const trace::Trace& trace, const std::vector<trace::CsvTable>& tables, const fs::path& folder
) {
    std::vector<std::unique_ptr<AtomicFile>> files;
    for (const trace::CsvTable& table : tables) {
        files.push_back(
            std::make_unique<AtomicFile>(csv_path(folder, table.name), NewFile::Links::replace)
        );
        table.write(files.back()->stream());
        files.back()->close();
    }
    files.push_back(std::make_unique<AtomicFile>(folder / kScenarioFile, NewFile::Links::replace));
    files.back()->stream() << trace.header.scenario;
    files.back()->close();
    return files;
}

/// Removes tables of an earlier export that this trace does not have.
void remove_old_tables(const fs::path& folder, const std::vector<trace::CsvTable>& tables) {
    for (const std::string& name : trace::csv_table_names()) {
        const bool is_written = std::any_of(tables.begin(), tables.end(), [&](const auto& table) {
            return table.name == name;
        });
        std::error_code error;
        if (!is_written && fs::is_regular_file(csv_path(folder, name), error)) {
            fs::remove(csv_path(folder, name), error);
        }
    }
}

void print_run_notes(const ExportCommand& command, const trace::TraceFile& file) {
    if (file.trace.completion == trace::Completion::running) {
        say(stderr,
            "headroom: note: the run {}: {} committed intervals are exported\n",
            file.is_being_written ? "goes on" : "was killed",
            file.trace.intervals.size());
    }
    if (!file.trace.header.with_ops && !command.perfetto.empty()) {
        say(stderr,
            "headroom: note: this trace has no operations, waits and messages, expected one of a "
            "run with --trace-ops; decisions, turns, migrations, memory and links' bytes are "
            "there\n");
    }
    std::fflush(stderr);
}

nlohmann::ordered_json json_of(const PerfettoFile& perfetto) {
    return {
        {"file", perfetto.file->target().string()},
        {"bytes", perfetto.file->bytes()},
        {"tracks", perfetto.counts.tracks},
        {"events", perfetto.counts.events}};
}

nlohmann::ordered_json json_of(
    const fs::path& folder, const std::vector<std::unique_ptr<AtomicFile>>& files
) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const auto& file : files) {
        list.push_back({{"file", file->target().string()}, {"bytes", file->bytes()}});
    }
    return {{"folder", folder.string()}, {"files", list}};
}

int export_trace(const Options& options, const ExportCommand& command) {
    options.expect_argument("a trace (.h5)", "out.h5 --perfetto out.json");
    if (command.perfetto.empty() && command.csv.empty()) {
        options.fail("where to is missing, expected --perfetto OUT.json, --csv FOLDER, or both");
    }
    if (!command.perfetto.empty()) {
        check_file_target(command);
    }
    if (!command.csv.empty()) {
        check_folder_target(command);
    }
    refuse_standard_input(command.trace, "headroom export");
    std::error_code unknown;
    const bool is_pipe = fs::is_fifo(command.trace, unknown); // would be waited for: refused below
    if (!is_pipe && file_kind_of(command.trace) != FileKind::trace) {
        throw InputError(fmt::format(
            "{}: is no trace (HDF5), expected one; for example: headroom run SCENARIO --trace "
            "out.h5, then headroom export out.h5",
            command.trace.string()
        ));
    }
    const trace::TraceFile file = trace::open_trace(command.trace.string());
    print_run_notes(command, file);
    const std::vector<trace::CsvTable> tables = trace::csv_tables(file.trace);
    std::optional<PerfettoFile> perfetto;
    std::optional<NewFolder> folder;
    std::vector<std::unique_ptr<AtomicFile>> csv;
    if (!command.perfetto.empty()) {
        perfetto = write_perfetto_file(file.trace, command.perfetto);
    }
    if (!command.csv.empty()) {
        folder.emplace(command.csv);
        csv = write_csv_files(file.trace, tables, command.csv);
    }
    // The files get their names only when all of them are complete.
    if (perfetto) {
        perfetto->file->publish();
    }
    for (const auto& part : csv) {
        part->publish();
    }
    if (!csv.empty()) {
        remove_old_tables(command.csv, tables);
    }
    if (command.json) {
        nlohmann::ordered_json json{
            {"trace", command.trace.string()},
            {"schema_version", file.schema_version},
            {"completion",
             trace::completion_names()[static_cast<std::size_t>(file.trace.completion)]},
            {"intervals", file.trace.intervals.size()},
            {"has_operations", file.trace.header.with_ops},
            {"perfetto", perfetto ? json_of(*perfetto) : nlohmann::ordered_json()},
            {"csv", csv.empty() ? nlohmann::ordered_json() : json_of(command.csv, csv)}};
        print_json(json);
        return 0;
    }
    if (perfetto) {
        say(stderr,
            "{}: {}, {} tracks; open it in https://ui.perfetto.dev\n",
            command.perfetto.string(),
            format_bytes(static_cast<Bytes>(perfetto->file->bytes())),
            perfetto->counts.tracks);
    }
    if (!csv.empty()) {
        say(stderr, "{}: {} files; columns.csv has the units\n", command.csv.string(), csv.size());
    }
    return 0;
}

} // namespace

const Command kExport{
    "export",
    "a trace for other programs: Perfetto, CSV",
    define<ExportCommand, add_export_options, export_trace>};

} // namespace headroom::cli
