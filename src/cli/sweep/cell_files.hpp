// The files of a cell (one run of a sweep) in the folder of the traces, and the state of the cell
// that follows from these files. A cell NAME whose run has finished has a trace NAME.h5. Until then
// the run writes a partial trace, which gets that name at the end of the run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "cli/sweep/cell_lock.hpp"
#include "config/sweep/sweep.hpp"

namespace headroom::cli {

/// The record of a failed run, kept in NAME.failed.json.
struct CellFailure {
    int exit_code = 0;
    std::vector<std::string> error; ///< lines of the message; the first states the error
    std::string scenario;           ///< scenario as TOML with all defaults (resolved text)
    std::string scenario_name;      ///< stem of the scenario's file name
};

class CellFiles {
  public:
    CellFiles(std::filesystem::path folder, std::string cell)
        : folder_(std::move(folder)), cell_(std::move(cell)) {}

    [[nodiscard]] std::filesystem::path trace() const { return named(".h5"); }
    [[nodiscard]] std::filesystem::path failure() const { return named(kFailure); }
    [[nodiscard]] std::filesystem::path failed_trace() const { return named(kFailedTrace); }
    /// Returns the path of the run's stderr. The file is kept if the run fails.
    [[nodiscard]] std::filesystem::path log() const { return named(".log"); }
    /// Returns the path of this process's partial trace. No other process uses this path.
    [[nodiscard]] std::filesystem::path partial() const;
    /// Returns the paths of the cell's partial traces in the folder, whichever process wrote them.
    [[nodiscard]] std::vector<std::filesystem::path> partials() const;
    /// Returns whether a process still writes a partial trace. Such a process may have no cell
    /// lock, because the file system has no locks, or because its sweep has just been killed and
    /// the system has released the sweep's locks.
    [[nodiscard]] bool is_being_written() const;
    /// Renames the trace to an unused name and returns that path. The name does not end in .h5, so
    /// that the file no longer counts as a trace of the folder.
    [[nodiscard]] std::filesystem::path rename_old_trace() const;

    static constexpr std::string_view kFailure = ".failed.json";
    static constexpr std::string_view kFailedTrace = ".failed.h5";
    static constexpr std::string_view kPartial = ".partial";
    /// Ending of a partial trace whose header is not yet complete.
    static constexpr std::string_view kPartialWithoutHeader = ".partial.part";

  private:
    [[nodiscard]] std::filesystem::path named(std::string_view end) const {
        return folder_ / (cell_ + std::string(end));
    }
    std::filesystem::path folder_;
    std::string cell_;
};

enum class CellState : std::uint8_t { pending, finished, running, half_written, failed, changed };

[[nodiscard]] constexpr std::string_view name_of(CellState state) {
    constexpr std::string_view kNames[] = {
        "to do", "finished", "running", "half written", "failed", "changed"};
    return kNames[static_cast<std::size_t>(state)];
}

struct CellStatus {
    CellState state = CellState::pending;
    std::string note; ///< if changed: why the trace does not count; if failed: the error
    std::optional<CellFailure> failure;
};

/// Returns whether the cell has a finished trace of its present scenario, made with the sweep's
/// command (`run` or `simulate`). If sweep.trace_ops is set, the trace must also contain every
/// operation. `resolved` is that scenario as TOML with all defaults.
[[nodiscard]] bool is_finished(
    const config::Sweep& sweep, const config::SweepCell& cell, const std::string& resolved
);

/// Returns the names of all cells with partial traces in the folder.
[[nodiscard]] std::set<std::string> cells_with_partial_traces(const std::filesystem::path& folder);

/// Returns the status of a cell. A cell that has a trace but is neither finished (is_finished())
/// nor running is `changed`. A failure record of another scenario is ignored. `partial_cells` is
/// the result of cells_with_partial_traces().
[[nodiscard]] CellStatus cell_status(
    const config::Sweep& sweep,
    const config::SweepCell& cell,
    const std::string& resolved,
    const CellLocks& locks,
    const std::set<std::string>& partial_cells
);

[[nodiscard]] nlohmann::ordered_json settings_json(const config::SweepCell& cell);

/// Writes the record of a failure. Throws EnvironmentError if it cannot be written.
void write_failure(
    const CellFiles& files, const config::SweepCell& cell, const CellFailure& failure
);
/// Returns the record of a failure, or nothing if the file does not exist or is not such a record.
[[nodiscard]] std::optional<CellFailure> read_failure(const std::filesystem::path& path);

/// Writes a copy of the sweep's file to the folder of its traces, so that `headroom collect` knows
/// the order of the cells and prints values as the sweep's file writes them ("4 GiB"). Does nothing
/// if an equal copy is there. Throws EnvironmentError if the copy cannot be written.
void save_sweep(const config::Sweep& sweep);
/// Returns the sweep whose copy is in the folder, or nothing if there is none. Throws InputError if
/// the copy is no sweep.
[[nodiscard]] std::optional<config::Sweep> saved_sweep(const std::filesystem::path& folder);

/// Returns the sorted names of the traces in the sweep's folder that belong to none of its cells.
[[nodiscard]] std::vector<std::string> unknown_traces(const config::Sweep& sweep);

} // namespace headroom::cli
