#include "cli/sweep/cell_files.hpp"

#include <algorithm>
#include <fstream>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "cli/input/policy_file.hpp"
#include "cli/launch/rank_handshake.hpp"
#include "cli/terminal/atomic_file.hpp"
#include "config/toml/input.hpp"
#include "trace/hdf5/library/lock.hpp"
#include "trace/hdf5/overview.hpp"
#include "trace/hdf5/summary_file.hpp"

namespace headroom::cli {

namespace {

/// The copy of the sweep's file in the folder of its traces.
constexpr const char* kSweepCopy = ".sweep.toml";

/// Returns the file names in the folder, sorted, or none if it cannot be read.
std::vector<std::string> names_in(const std::filesystem::path& folder) {
    std::vector<std::string> names;
    std::error_code failure;
    for (std::filesystem::directory_iterator at(folder, failure), end; !failure && at != end;
         at.increment(failure)) {
        names.push_back(at->path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

/// Returns why the trace is not the finished trace of this cell, or "" if it is.
std::string mismatch(
    const std::filesystem::path& path, const config::Sweep& sweep, const std::string& resolved
) {
    try {
        const trace::TraceOverview head = trace::read_trace_overview(path.string());
        const char* const execution =
            sweep.command == config::SweepCommand::run ? "decoded" : "simulated";
        return head.completion != trace::Completion::finished ? "its run did not finish"
               : head.scenario != resolved                    ? "it is of another scenario"
               : head.execution != execution
                   ? fmt::format("it was {}, not {}", head.execution, execution)
               : sweep.trace_ops && !head.with_ops ? "it has no operations (trace_ops)"
               : !sweep.own_policy.version.empty() && !head.own_policy_version.empty() &&
                       head.own_policy_version != sweep.own_policy.version
                   ? "it is of another version of the policy"
               : !sweep.own_policy.file.empty() && !head.own_policy_file.empty() &&
                       policy_argument(head.own_policy_file) !=
                           policy_argument(sweep.own_policy.file)
                   ? fmt::format("it is of policy {}", head.own_policy_file)
                   : "";
    } catch (const InputError& error) {
        return "it is no whole trace";
    }
}

} // namespace

std::filesystem::path CellFiles::partial() const {
    return named(fmt::format("~{}-{}{}", host_name(), getpid(), kPartial));
}

std::vector<std::filesystem::path> CellFiles::partials() const {
    std::vector<std::filesystem::path> paths;
    for (const std::string& name : names_in(folder_)) {
        const bool is_partial = name.ends_with(kPartial) || name.ends_with(kPartialWithoutHeader);
        if (name.starts_with(cell_ + "~") && is_partial) {
            paths.push_back(folder_ / name);
        }
    }
    return paths;
}

bool CellFiles::is_being_written() const {
    const std::vector<std::filesystem::path> all = partials();
    return std::any_of(all.begin(), all.end(), [](const std::filesystem::path& partial) {
        return trace::is_being_written(partial.string());
    });
}

std::filesystem::path CellFiles::rename_old_trace() const {
    std::filesystem::path aside;
    int number = 1;
    do {
        aside = named(fmt::format(".h5.old-{}", number++));
    } while (std::filesystem::exists(aside));
    std::filesystem::rename(trace(), aside);
    return aside;
}

bool is_finished(
    const config::Sweep& sweep, const config::SweepCell& cell, const std::string& resolved
) {
    const std::filesystem::path trace = CellFiles(sweep.folder, cell.name).trace();
    std::error_code unknown;
    return std::filesystem::exists(trace, unknown) && mismatch(trace, sweep, resolved).empty();
}

std::set<std::string> cells_with_partial_traces(const std::filesystem::path& folder) {
    std::set<std::string> cells;
    for (const std::string& name : names_in(folder)) {
        if (name.ends_with(CellFiles::kPartial)) {
            cells.insert(name.substr(0, name.find('~'))); // names of cells contain no '~'
        }
    }
    return cells;
}

CellStatus cell_status(
    const config::Sweep& sweep,
    const config::SweepCell& cell,
    const std::string& resolved,
    const CellLocks& locks,
    const std::set<std::string>& partial_cells
) {
    const CellFiles files(sweep.folder, cell.name);
    std::error_code unknown;
    const bool has_trace = std::filesystem::exists(files.trace(), unknown);
    const std::string why = has_trace ? mismatch(files.trace(), sweep, resolved) : "";
    if (has_trace && why.empty()) {
        return {CellState::finished, "", {}};
    }
    if (locks.is_locked(cell.name) ||
        (partial_cells.contains(cell.name) && files.is_being_written())) {
        return {CellState::running, "", {}};
    }
    if (has_trace) {
        return {CellState::changed, fmt::format("{}: {}", files.trace().string(), why), {}};
    }
    if (const auto failure = read_failure(files.failure());
        failure && failure->scenario == resolved) {
        return {CellState::failed, failure->error.empty() ? "" : failure->error.front(), failure};
    }
    return {
        partial_cells.contains(cell.name) ? CellState::half_written : CellState::pending, "", {}};
}

nlohmann::ordered_json settings_json(const config::SweepCell& cell) {
    nlohmann::ordered_json settings = nlohmann::ordered_json::object();
    for (const config::SweepSetting& setting : cell.settings) {
        settings[setting.key] = setting.value;
    }
    return settings;
}

void write_failure(
    const CellFiles& files, const config::SweepCell& cell, const CellFailure& failure
) {
    const nlohmann::ordered_json json{
        {"cell", cell.name},
        {"exit_code", failure.exit_code},
        {"error", failure.error},
        {"settings", settings_json(cell)},
        {"scenario_name", failure.scenario_name},
        {"scenario", failure.scenario}};
    AtomicFile file(files.failure(), NewFile::Links::replace);
    file.stream() << json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    file.close();
    file.publish();
}

std::optional<CellFailure> read_failure(const std::filesystem::path& path) {
    std::ifstream file(path);
    const auto json = nlohmann::json::parse(file, nullptr, false);
    if (json.is_discarded() || !json.is_object()) {
        return std::nullopt;
    }
    try {
        return CellFailure{
            json.at("exit_code").get<int>(),
            json.at("error").get<std::vector<std::string>>(),
            json.at("scenario").get<std::string>(),
            json.at("scenario_name").get<std::string>()};
    } catch (const nlohmann::json::exception&) {
        return std::nullopt;
    }
}

void save_sweep(const config::Sweep& sweep) {
    const std::filesystem::path path = sweep.folder / kSweepCopy;
    if (config::read_input(path, "").text == sweep.text) {
        return;
    }
    AtomicFile file(path, NewFile::Links::replace);
    file.stream() << sweep.text;
    file.close();
    file.publish();
}

std::optional<config::Sweep> saved_sweep(const std::filesystem::path& folder) {
    const std::filesystem::path path = folder / kSweepCopy;
    return std::filesystem::exists(path) ? std::optional(config::load_sweep(path)) : std::nullopt;
}

std::vector<std::string> unknown_traces(const config::Sweep& sweep) {
    std::set<std::string> ours;
    for (const config::SweepCell& cell : sweep.cells) {
        ours.insert(cell.name + ".h5");
        ours.insert(cell.name + std::string(CellFiles::kFailedTrace));
    }
    std::vector<std::string> found;
    for (const std::string& name : names_in(sweep.folder)) {
        if (name.ends_with(".h5") && !ours.contains(name) &&
            !trace::is_summary_file((sweep.folder / name).string())) {
            found.push_back(name);
        }
    }
    return found;
}

} // namespace headroom::cli
