// What a cell of a sweep leaves in the folder of the traces, and what that says about it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cli/sweep/cell_lock.hpp"
#include "config/sweep/sweep.hpp"

namespace headroom::cli {

/// A run that did not come to its end, as NAME.failed.json keeps it.
struct CellFailure {
    int exit_code = 0;
    std::vector<std::string> error; ///< lines; the first says what is wrong
    std::string scenario;           ///< resolved text
    std::string scenario_name;      ///< of its file
};

/// Names in the folder. Only a finished trace is ever called NAME.h5: it gets that name by a
/// rename, after its end.
class CellFiles {
  public:
    CellFiles(std::filesystem::path folder, std::string cell)
        : folder_(std::move(folder)), cell_(std::move(cell)) {}

    [[nodiscard]] std::filesystem::path trace() const { return named(".h5"); }
    [[nodiscard]] std::filesystem::path failure() const { return named(kFailure); }
    /// What a failed run had decoded until then, if anything.
    [[nodiscard]] std::filesystem::path failed_trace() const { return named(kFailedTrace); }
    /// What the run says on stderr; kept if it fails.
    [[nodiscard]] std::filesystem::path log() const { return named(".log"); }
    /// The trace while it is written: a name that no other process has.
    [[nodiscard]] std::filesystem::path partial() const;
    /// Those of all processes.
    [[nodiscard]] std::vector<std::filesystem::path> partials() const;
    /// Whether a process writes one still: of a job on a file system without locks, or of one that
    /// was killed a moment ago.
    [[nodiscard]] bool is_being_written() const;
    /// Moves the trace to a name that is not in use and has no .h5 at its end. Returns that.
    [[nodiscard]] std::filesystem::path put_trace_aside() const;

    static constexpr std::string_view kFailure = ".failed.json";
    static constexpr std::string_view kFailedTrace = ".failed.h5";
    static constexpr std::string_view kPartial = ".partial";
    static constexpr std::string_view kBegun = ".partial.part"; ///< before there is a header

  private:
    [[nodiscard]] std::filesystem::path named(std::string_view end) const {
        return folder_ / (cell_ + std::string(end));
    }
    std::filesystem::path folder_;
    std::string cell_;
};

enum class CellState : std::uint8_t { open, finished, running, half_written, failed, changed };
[[nodiscard]] std::string_view name_of(CellState state);

struct CellLook {
    CellState state = CellState::open;
    std::string note; ///< why a trace does not count, what a failure was; or empty
    std::optional<CellFailure> failure;
};

/// Whether the cell's trace is there: finished, and of this scenario.
[[nodiscard]] bool is_finished(
    const config::Sweep& sweep, const config::SweepCell& cell, const std::string& resolved
);

/// Names of cells that have partial traces.
[[nodiscard]] std::set<std::string> cells_begun(const std::filesystem::path& folder);

/// What is there of a cell. A trace counts if it is finished and of this scenario, and a failure
/// if it is of this scenario. begun: of the folder.
[[nodiscard]] CellLook look_at(
    const config::Sweep& sweep,
    const config::SweepCell& cell,
    const std::string& resolved,
    const CellLocks& locks,
    const std::set<std::string>& begun
);

/// Throws EnvironmentError.
void write_failure(
    const CellFiles& files, const config::SweepCell& cell, const CellFailure& failure
);
/// Nothing if there is none, or none that can be read.
[[nodiscard]] std::optional<CellFailure> read_failure(const std::filesystem::path& path);

/// Traces in the folder that no cell of the sweep has, sorted.
[[nodiscard]] std::vector<std::string> strays(const config::Sweep& sweep);

} // namespace headroom::cli
