// The command `headroom collect`: it makes one table of the traces in a folder.
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/new_file.hpp"
#include "cli/input/commands.hpp"
#include "cli/run/summary_text.hpp"
#include "cli/sweep/collect_files.hpp"
#include "cli/terminal/atomic_file.hpp"
#include "cli/terminal/interrupt.hpp"
#include "cli/terminal/screen.hpp"
#include "cli/terminal/text_table.hpp"
#include "trace/hdf5/summary_file.hpp"

namespace headroom::cli {

namespace {

struct CollectCommand {
    std::filesystem::path folder;
    std::filesystem::path out; ///< .h5 or .csv
    bool force = false;
    bool json = false;
};

void add_collect_options(Options& options, CollectCommand& collect) {
    options.add("FOLDER", collect.folder, "folder with traces");
    options.add("-o,--out", collect.out, "file to write: .h5 or .csv");
    options.add("--force", collect.force, "overwrite what exists");
    options.add("--json", collect.json, "print the table as JSON");
}

[[noreturn]] void throw_no_runs(const std::filesystem::path& folder, const FoundRuns& found) {
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

/// Throws InputError if the output cannot be written there. --force allows only tables of `collect`
/// to be replaced, so that no trace is overwritten.
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

void write_hdf5(const std::filesystem::path& out, const trace::FigureTable& table) {
    defer_interrupts(); // so that an unfinished file is removed
    NewFile file(out, NewFile::Links::follow);
    try {
        trace::write_summary_file(file.path().string(), table);
    } catch (const EnvironmentError& error) {
        throw EnvironmentError(fmt::format(
            "-o {}: cannot be written: {}\n"
            "  expected room and the right to write there; what was there is unchanged",
            out.string(),
            error.what()
        ));
    }
    file.publish();
}

/// Writes the table. The file gets its name only when it is complete.
void write_table(const std::filesystem::path& out, const trace::FigureTable& table) {
    if (out.extension() == ".h5") {
        write_hdf5(out, table);
        return;
    }
    AtomicFile file(out);
    file.stream() << trace::csv_text(table);
    file.close();
    file.publish();
}

void print_rows_json(const Collection& collection, const CollectCommand& command) {
    nlohmann::ordered_json rows = nlohmann::ordered_json::array();
    for (std::size_t row = 0; row < collection.table.rows(); ++row) {
        nlohmann::ordered_json object = nlohmann::ordered_json::object();
        for (const trace::FigureColumn& column : collection.table.columns) {
            object[column.name] = json_of(column.values[row]);
        }
        rows.push_back(std::move(object));
    }
    nlohmann::json json{{"rows", rows}, {"notes", collection.notes}};
    if (!command.out.empty()) {
        json["out"] = command.out.string();
    }
    print_json(json);
}

int collect(const Options& options, const CollectCommand& command) {
    options.expect_argument("a folder of traces", "results -o summary.csv");
    if (!command.out.empty()) {
        check_output(command);
    }
    FoundRuns found = find_runs(command.folder);
    if (found.runs.empty()) {
        throw_no_runs(command.folder, found);
    }
    Collection collection = collect_rows(found.runs);
    collection.notes.insert(collection.notes.begin(), found.notes.begin(), found.notes.end());
    for (const std::string& note : collection.notes) {
        say(stderr, "headroom: note: {}\n", note);
    }
    std::fflush(stderr);
    if (!command.out.empty()) {
        write_table(command.out, collection.table);
    }
    if (command.json) {
        print_rows_json(collection, command);
    } else if (command.out.empty()) {
        say(stdout, "{}", collection_text(collection));
    } else {
        say(stdout,
            "{}: {}, {} columns\n",
            command.out.string(),
            count_text(collection.table.rows(), "run"),
            collection.table.columns.size());
    }
    std::fflush(stdout);
    return 0;
}

} // namespace

const Command kCollect{
    "collect",
    "one table of the figures of many traces",
    define<CollectCommand, add_collect_options, collect>};

} // namespace headroom::cli
