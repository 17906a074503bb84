// `headroom sweep`: what the cells are, and running them.
#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "cli/cell_files.hpp"
#include "cli/console.hpp"
#include "cli/file_kind.hpp"
#include "cli/interrupt.hpp"
#include "cli/summary_text.hpp"
#include "cli/sweep_progress.hpp"
#include "cli/sweep_runner.hpp"
#include "cli/text_table.hpp"
#include "cli/trace_commands.hpp"

namespace headroom::cli {

namespace {

constexpr const char* kHint = "\n  correct what is named above; src/config/README.md describes "
                              "sweeps and every key";

/// The sweep with everything about it checked; of its cells `only` that one, if it is given.
config::Sweep read_sweep(const SweepCommand& command) {
    expect_scenario(command.sweep);
    try {
        config::Sweep sweep = config::load_sweep(command.sweep);
        if (!command.out.empty()) {
            sweep.folder = command.out;
        }
        if (!command.index) {
            print_warnings(Terminal::look(), config::check_cells(sweep));
        }
        return sweep;
    } catch (const InputError& error) {
        throw InputError(error.what() + std::string(kHint));
    }
}

/// The one cell of --run; a Slurm array whose size does not fit is told what does.
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
        throw InputError(error.what() + std::string(kHint));
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

void tell_strays(const config::Sweep& sweep) {
    const std::vector<std::string> found = strays(sweep);
    if (found.empty()) {
        return;
    }
    constexpr std::size_t kShown = 3;
    const std::size_t shown = std::min(found.size(), kShown);
    fmt::print(
        stderr,
        "headroom: note: {} in {} of no cell of this sweep, and collect would count {} too: {}{}\n",
        found.size() == 1 ? "1 file is" : fmt::format("{} files are", found.size()),
        sweep.folder.string(),
        found.size() == 1 ? "it" : "them",
        fmt::join(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
        found.size() > shown ? ", …" : ""
    );
    std::fflush(stderr);
}

nlohmann::json cell_json(const config::Sweep& sweep, std::size_t index) {
    const config::SweepCell& cell = sweep.cells[index];
    nlohmann::json settings = nlohmann::json::object();
    for (const config::SweepSetting& setting : cell.settings) {
        settings[setting.key] = setting.value;
    }
    return {
        {"index", index},
        {"name", cell.name},
        {"scenario", cell.scenario.string()},
        {"settings", settings},
        {"trace", CellFiles(sweep.folder, cell.name).trace().string()},
    };
}

nlohmann::json sweep_json(const config::Sweep& sweep) {
    return {
        {"sweep", sweep.path.string()},
        {"command", config::name_of(sweep.command)},
        {"folder", sweep.folder.string()},
        {"axes", sweep.axes},
    };
}

std::string join_counts(const std::vector<std::pair<std::size_t, std::string>>& counts) {
    std::vector<std::string> parts;
    for (const auto& [count, what] : counts) {
        if (count > 0) {
            parts.push_back(fmt::format("{} {}", count, what));
        }
    }
    return fmt::format("{}", fmt::join(parts, ", "));
}

std::string cells_text(std::size_t count) {
    return fmt::format("{} cell{}", count, count == 1 ? "" : "s");
}

void print_list(const config::Sweep& sweep, const std::vector<CellLook>& looks) {
    TextTable table({"cell", "index", "state"});
    std::map<CellState, std::size_t> counts;
    for (std::size_t i = 0; i < looks.size(); ++i) {
        ++counts[looks[i].state];
        table.add({sweep.cells[i].name, fmt::format("{}", i), std::string(name_of(looks[i].state))}
        );
    }
    std::vector<std::pair<std::size_t, std::string>> parts;
    for (const auto& [state, count] : counts) {
        parts.emplace_back(count, name_of(state));
    }
    fmt::print(
        "{}: {} of headroom {}, traces in {}\n\n{}\n{}: {}\n",
        sweep.path.string(),
        cells_text(sweep.cells.size()),
        config::name_of(sweep.command),
        sweep.folder.string(),
        table.text(),
        cells_text(sweep.cells.size()),
        join_counts(parts)
    );
    for (std::size_t i = 0; i < looks.size(); ++i) {
        if (!looks[i].note.empty()) {
            fmt::print("  cell {}: {}\n", i, looks[i].note);
        }
    }
}

int list(const SweepCommand& command, const config::Sweep& sweep) {
    const CellLocks locks(sweep.folder);
    const std::set<std::string> begun = cells_begun(sweep.folder);
    std::vector<CellLook> looks;
    for (const config::SweepCell& cell : sweep.cells) {
        const std::string scenario = config::resolved_text(config::cell_scenario(sweep, cell));
        looks.push_back(look_at(sweep, cell, scenario, locks, begun));
    }
    tell_strays(sweep);
    if (!command.json) {
        print_list(sweep, looks);
        std::fflush(stdout);
        return 0;
    }
    nlohmann::json json = sweep_json(sweep);
    json["cells"] = nlohmann::json::array();
    for (std::size_t i = 0; i < looks.size(); ++i) {
        nlohmann::json cell = cell_json(sweep, i);
        cell["state"] = name_of(looks[i].state);
        if (looks[i].failure) {
            cell["exit_code"] = looks[i].failure->exit_code;
            cell["error"] = looks[i].failure->error;
        }
        json["cells"].push_back(std::move(cell));
    }
    print_json(json);
    return 0;
}

std::string_view end_name(CellEnd end) {
    switch (end) {
    case CellEnd::not_run:
        return "not run";
    case CellEnd::was_there:
        return "finished before";
    case CellEnd::finished:
        return "finished";
    case CellEnd::failed:
        return "failed";
    case CellEnd::interrupted:
        return "interrupted";
    }
    return "";
}

std::size_t count_of(const std::vector<CellResult>& results, CellEnd end) {
    return static_cast<std::size_t>(std::count_if(
        results.begin(), results.end(), [&](const CellResult& result) { return result.end == end; }
    ));
}

/// That of the interrupt, else of the first cell that did not come to its end.
int exit_code_of(const std::vector<CellResult>& results) {
    if (count_of(results, CellEnd::not_run) + count_of(results, CellEnd::interrupted) > 0 &&
        interrupted() != 0) {
        return interrupted();
    }
    for (const CellResult& result : results) {
        if (result.end == CellEnd::failed || result.end == CellEnd::interrupted) {
            return result.exit_code;
        }
    }
    return 0;
}

void print_failures(const config::Sweep& sweep, const std::vector<CellResult>& results) {
    if (count_of(results, CellEnd::failed) == 0) {
        return;
    }
    TextTable table({"failed cell", "index", "exit code"});
    std::vector<std::pair<std::string, std::size_t>> reasons; // and the first cell with it
    for (const CellResult& result : results) {
        if (result.end != CellEnd::failed) {
            continue;
        }
        table.add(
            {sweep.cells[result.index].name,
             fmt::format("{}", result.index),
             fmt::format("{}", result.exit_code)}
        );
        const std::string reason = fmt::format("{}", fmt::join(result.error, "\n    "));
        const auto same = [&](const auto& other) { return other.first == reason; };
        if (std::none_of(reasons.begin(), reasons.end(), same)) {
            reasons.emplace_back(reason, result.index);
        }
    }
    constexpr std::size_t kShown = 4;
    fmt::print("{}\n", table.text());
    for (std::size_t i = 0; i < std::min(reasons.size(), kShown); ++i) {
        fmt::print("  cell {}: {}\n", reasons[i].second, reasons[i].first);
    }
    if (reasons.size() > kShown) {
        fmt::print(
            "  and {} other reasons: headroom sweep {} --list\n",
            reasons.size() - kShown,
            sweep.path.string()
        );
    }
    fmt::print("\n");
}

void print_results(
    const SweepCommand& command, const config::Sweep& sweep, const std::vector<CellResult>& results
) {
    print_failures(sweep, results);
    if (command.index) {
        const CellResult& result = results.front();
        fmt::print(
            "cell {}, {}: {}{}\n",
            result.index,
            sweep.cells[result.index].name,
            result.end == CellEnd::was_there ? "finished already, nothing to do: "
                                             : std::string(end_name(result.end)) + " ",
            result.end == CellEnd::was_there || result.end == CellEnd::finished
                ? CellFiles(sweep.folder, sweep.cells[result.index].name).trace().string()
                : fmt::format("with exit code {}", exit_code_of(results))
        );
        return;
    }
    fmt::print(
        "{}: {}; traces in {}\n",
        cells_text(results.size()),
        join_counts(
            {{count_of(results, CellEnd::finished), "finished now"},
             {count_of(results, CellEnd::was_there), "finished before"},
             {count_of(results, CellEnd::failed), "failed"},
             {count_of(results, CellEnd::interrupted) + count_of(results, CellEnd::not_run),
              "not finished"}}
        ),
        sweep.folder.string()
    );
    if (interrupted() != 0) {
        fmt::print("interrupted: the same command goes on where this one ended\n");
    } else {
        fmt::print("one table of them: headroom collect {}\n", sweep.folder.string());
    }
}

void print_results_json(const config::Sweep& sweep, const std::vector<CellResult>& results) {
    nlohmann::json json = sweep_json(sweep);
    json["exit_code"] = exit_code_of(results);
    json["cells"] = nlohmann::json::array();
    for (const CellResult& result : results) {
        nlohmann::json cell = cell_json(sweep, result.index);
        cell["end"] = end_name(result.end);
        if (result.end == CellEnd::failed) {
            cell["exit_code"] = result.exit_code;
            cell["error"] = result.error;
        }
        json["cells"].push_back(std::move(cell));
    }
    print_json(json);
}

int run(const SweepCommand& command, const config::Sweep& sweep) {
    std::vector<std::size_t> cells(sweep.cells.size());
    std::iota(cells.begin(), cells.end(), std::size_t{0});
    if (command.index) {
        cells = {checked_index(sweep, *command.index)};
    }
    make_folder(sweep.folder);
    if (command.all) {
        tell_strays(sweep);
    }
    SweepProgress progress(sweep, Terminal::look(), cells.size());
    std::vector<CellResult> results;
    try {
        results = SweepRunner(sweep, progress).run(cells, static_cast<std::size_t>(command.jobs));
    } catch (const std::exception&) {
        progress.finish();
        throw;
    }
    progress.finish();
    if (command.json) {
        print_results_json(sweep, results);
    } else {
        print_results(command, sweep, results);
    }
    std::fflush(stdout);
    return exit_code_of(results);
}

} // namespace

int sweep_command(const SweepCommand& command) {
    const config::Sweep sweep = read_sweep(command);
    return command.list ? list(command, sweep) : run(command, sweep);
}

} // namespace headroom::cli
