// The output of `headroom sweep`, as text and as JSON: the list of the cells (the runs of the
// sweep) with their states, and the results of the cells that the command asked for.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/sweep/cell_files.hpp"
#include "cli/sweep/sweep_progress.hpp"

namespace headroom::cli {

/// Returns the list of all cells as text. `statuses` has one status per cell of the sweep.
[[nodiscard]] std::string list_text(
    const config::Sweep& sweep, const std::vector<CellStatus>& statuses
);
/// Returns the same list as JSON.
[[nodiscard]] nlohmann::json list_json(
    const config::Sweep& sweep, const std::vector<CellStatus>& statuses
);

/// Returns the exit code of the command. If an interrupt of this process left cells unfinished, it
/// is the code of the interrupt. Otherwise it is the code of the first cell that failed or whose
/// own process got a signal, and 0 if there is no such cell.
[[nodiscard]] int exit_code_of(const std::vector<CellResult>& results);

/// Returns the results of the cells as text. `one` says that only one cell was asked for.
[[nodiscard]] std::string results_text(
    const config::Sweep& sweep, const std::vector<CellResult>& results, bool one
);
/// Returns the results of the cells as JSON.
[[nodiscard]] nlohmann::json results_json(
    const config::Sweep& sweep, const std::vector<CellResult>& results
);

} // namespace headroom::cli
