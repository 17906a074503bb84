// The command `headroom sweep`: it lists or runs the cells of a sweep.
#include <algorithm>
#include <numeric>
#include <set>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"
#include "cli/input/commands.hpp"
#include "cli/input/file_kind.hpp"
#include "cli/input/installed.hpp"
#include "cli/input/policy_file.hpp"
#include "cli/input/run_options.hpp"
#include "cli/plugin/policy_choice.hpp"
#include "cli/run/summary_text.hpp"
#include "cli/sweep/cell_files.hpp"
#include "cli/sweep/sweep_progress.hpp"
#include "cli/sweep/sweep_report.hpp"
#include "cli/sweep/sweep_runner.hpp"
#include "cli/terminal/console.hpp"
#include "cli/terminal/interrupt.hpp"
#include "config/toml/input.hpp"

namespace headroom::cli {

namespace {

/// Exactly one of `list`, `index` and `all` is given.
struct SweepCommand {
    std::filesystem::path sweep;
    bool list = false;
    std::optional<std::int64_t> index; ///< number of the only cell to run
    bool all = false;
    std::int64_t jobs = 1;     ///< with `all`: number of cells that run at the same time
    std::filesystem::path out; ///< folder of the traces; if empty, the folder that the sweep names
    bool json = false;
    PolicyOptions own_policy; ///< of the cells whose policy is `custom`
};

void add_sweep_options(Options& options, SweepCommand& sweep) {
    constexpr std::int64_t kMaxJobs = 4096;
    options.add("SWEEP", sweep.sweep, "sweep file (TOML); see headroom help scenario");
    options.add("--list", sweep.list, "list the cells and what is there of them");
    options.add_integer(
        "--run", sweep.index, {0, kNoLimit, 0}, "run one cell, by its number in the list", "INDEX"
    );
    options.add("--run-all", sweep.all, "run all cells that are not finished");
    options.add_integer(
        "-j,--jobs", sweep.jobs, {1, kMaxJobs, 2}, "with --run-all: cells at a time"
    );
    options.add("--out", sweep.out, "folder of the traces, instead of the sweep's");
    options.add(
        "--policy",
        sweep.own_policy.file,
        "a file with a policy of your own (.so, .py:FUNCTION), for cells whose controller.policy "
        "is \"custom\"",
        "FILE"
    );
    add_policy_timeout(options, sweep.own_policy);
    options.add("--json", sweep.json, "print as JSON");
}

void check_sweep_options(const Options& options, const SweepCommand& sweep) {
    options.expect_argument("a sweep file (.toml)", "sweep.toml --run-all -j 2");
    const int given_count = (sweep.list ? 1 : 0) + (sweep.index ? 1 : 0) + (sweep.all ? 1 : 0);
    if (given_count != 1) {
        options.fail(fmt::format(
            "{} of --list, --run and --run-all {} given, expected one",
            given_count == 0 ? "none" : fmt::format("{}", given_count),
            given_count > 1 ? "are" : "is"
        ));
    }
    if (options.is_given("--jobs") && !sweep.all) {
        options.fail("-j is how many cells run at a time, expected --run-all with it");
    }
}

constexpr const char* kSweepHint =
    "\n  correct what is named above; headroom help scenario describes "
    "sweeps and every key";

/// Uses installed scenarios for those that the sweep names without a folder and that are not beside
/// it.
void use_installed_scenarios(config::Sweep& sweep) {
    sweep.models = installed_folder(kModels);
    const std::filesystem::path scenarios = installed_folder(kScenarios);
    std::set<std::string> notes;
    for (config::SweepCell& cell : sweep.cells) {
        std::error_code unknown;
        if (cell.scenario.parent_path() != sweep.path.parent_path() ||
            std::filesystem::exists(cell.scenario, unknown)) {
            continue;
        }
        const std::filesystem::path installed = scenarios / cell.scenario.filename();
        if (!scenarios.empty() && std::filesystem::exists(installed, unknown)) {
            const std::string note = fmt::format(
                "scenario {} is not beside the sweep; using {}",
                cell.scenario.filename().string(),
                installed.string()
            );
            notes.insert(note);
            cell.scenario = installed;
        }
    }
    print_notes({notes.begin(), notes.end()});
}

/// Loads the policy once, so that mistakes in it are found before any cell runs.
void use_own_policy(const Options& options, const PolicyOptions& own, config::Sweep& sweep) {
    if (!is_policy_file(own.file)) {
        options.fail(fmt::format(
            "--policy {}: expected a file with a policy of your own (.so, .py:FUNCTION); policies "
            "of headroom are values of an axis: \"controller.policy\" = [...]",
            own.file
        ));
    }
    sweep.own_policy = {
        own.file, own.timeout_seconds, std::string(load_policy(own).policy->version())};
}

/// Reads the sweep. Checks the scenarios of all cells unless the command asks for one cell.
config::Sweep read_sweep(const Options& options, const SweepCommand& command) {
    const FoundFile named = find_installed(command.sweep, kSweeps);
    if (!named.note.empty()) {
        print_notes({named.note});
    }
    expect_scenario(named.path);
    try {
        config::Sweep sweep = config::load_sweep(named.path);
        config::refuse_single_use_inputs("each cell of a sweep reads it for itself");
        use_installed_scenarios(sweep);
        if (!command.out.empty()) {
            sweep.folder = command.out;
        }
        if (options.is_given("--policy")) {
            use_own_policy(options, command.own_policy, sweep);
        }
        if (!command.index) {
            print_warnings(config::check_cells(sweep));
        }
        return sweep;
    } catch (const InputError& error) {
        throw InputError(error, std::string(kSweepHint));
    }
}

/// Returns the index of the cell for --run after checking its scenario. Throws InputError with the
/// valid range if the index is too large, as in a Slurm array of the wrong size.
std::size_t checked_index(const config::Sweep& sweep, std::int64_t index) {
    if (static_cast<std::size_t>(index) >= sweep.cells.size()) {
        throw InputError(fmt::format(
            "--run {}: {} has {} cells, expected a number from 0 to {}; headroom sweep {} --list "
            "shows them",
            index,
            sweep.path.string(),
            sweep.cells.size(),
            sweep.cells.size() - 1,
            sweep.path.string()
        ));
    }
    try {
        (void)config::cell_scenario(sweep, sweep.cells[static_cast<std::size_t>(index)]);
    } catch (const InputError& error) {
        throw InputError(error, std::string(kSweepHint));
    }
    return static_cast<std::size_t>(index);
}

void make_folder(const std::filesystem::path& folder) {
    std::error_code failure;
    std::filesystem::create_directories(folder, failure);
    if (failure || !std::filesystem::is_directory(folder)) {
        throw InputError(fmt::format(
            "{}: cannot be made a folder: {}; expected a place for the traces: give another --out",
            folder.string(),
            failure ? failure.message() : "something else has that name"
        ));
    }
}

void print_unknown_traces(const config::Sweep& sweep) {
    const std::vector<std::string> found = unknown_traces(sweep);
    if (found.empty()) {
        return;
    }
    constexpr std::size_t kShown = 3;
    const std::size_t shown = std::min(found.size(), kShown);
    say(stderr,
        "headroom: note: {} in {} of no cell of this sweep, and collect would count {} too: {}{}\n",
        found.size() == 1 ? "1 file is" : fmt::format("{} files are", found.size()),
        sweep.folder.string(),
        found.size() == 1 ? "it" : "them",
        fmt::join(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
        found.size() > shown ? ", …" : "");
    std::fflush(stderr);
}

int list(const SweepCommand& command, const config::Sweep& sweep) {
    const CellLocks locks(sweep.folder);
    const std::set<std::string> partial_cells = cells_with_partial_traces(sweep.folder);
    std::vector<CellStatus> statuses;
    for (const config::SweepCell& cell : sweep.cells) {
        const std::string scenario = config::resolved_text(config::cell_scenario(sweep, cell));
        statuses.push_back(cell_status(sweep, cell, scenario, locks, partial_cells));
    }
    print_unknown_traces(sweep);
    if (command.json) {
        print_json(list_json(sweep, statuses));
    } else {
        say(stdout, "{}", list_text(sweep, statuses));
    }
    std::fflush(stdout);
    return 0;
}

/// Throws InputError if a cell that has to run needs the file of a policy and there is none, before
/// any other cell runs.
void expect_own_policy(const config::Sweep& sweep, const std::vector<std::size_t>& cells) {
    if (!sweep.own_policy.file.empty()) {
        return;
    }
    for (const std::size_t index : cells) {
        const config::SweepCell& cell = sweep.cells[index];
        const config::Scenario scenario = config::cell_scenario(sweep, cell);
        if (scenario.controller.policy == scheduler::PolicyKind::custom &&
            !is_finished(sweep, cell, config::resolved_text(scenario))) {
            throw InputError(fmt::format(
                "{}: controller.policy is \"custom\" in cell {}, {}, {}",
                sweep.path.string(),
                index,
                cell.name,
                kExpectPolicyFile
            ));
        }
    }
}

int run_cells_of(const SweepCommand& command, const config::Sweep& sweep) {
    std::vector<std::size_t> cells(sweep.cells.size());
    std::iota(cells.begin(), cells.end(), std::size_t{0});
    if (command.index) {
        cells = {checked_index(sweep, *command.index)};
    }
    expect_own_policy(sweep, cells);
    defer_interrupts(); // so that the cells' processes are ended
    make_folder(sweep.folder);
    if (const std::string why = CellLocks(sweep.folder).why_unavailable(); !why.empty()) {
        print_warnings({fmt::format(
            "{}: files cannot be locked here ({}): jobs of several hosts that share it may do a "
            "cell twice",
            sweep.folder.string(),
            why
        )});
    }
    save_sweep(sweep);
    if (command.all) {
        print_unknown_traces(sweep);
    }
    SweepProgress progress(sweep, Terminal::detect(), cells.size());
    std::vector<CellResult> results;
    try {
        results = SweepRunner(sweep, progress).run(cells, static_cast<std::size_t>(command.jobs));
    } catch (const std::exception&) {
        progress.finish();
        throw;
    }
    progress.finish();
    if (command.json) {
        print_json(results_json(sweep, results));
    } else {
        say(stdout, "{}", results_text(sweep, results, command.index.has_value()));
    }
    std::fflush(stdout);
    return exit_code_of(results);
}

int run_sweep(const Options& options, const SweepCommand& command) {
    check_sweep_options(options, command);
    const config::Sweep sweep = read_sweep(options, command);
    return command.list ? list(command, sweep) : run_cells_of(command, sweep);
}

} // namespace

const Command kSweep{
    "sweep",
    "many runs: every cell of a grid over scenario keys",
    define<SweepCommand, add_sweep_options, run_sweep>};

} // namespace headroom::cli
