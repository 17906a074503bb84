// What is told of a sweep's cells: the list of them, and what became of those that were run.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/sweep/cell_files.hpp"
#include "cli/sweep/sweep_runner.hpp"

namespace headroom::cli {

/// looks: one per cell.
[[nodiscard]] std::string list_text(const config::Sweep& sweep, const std::vector<CellLook>& looks);
[[nodiscard]] nlohmann::json list_json(
    const config::Sweep& sweep, const std::vector<CellLook>& looks
);

/// That of the interrupt, else of the first cell that did not come to its end; 0 if all did.
[[nodiscard]] int exit_code_of(const std::vector<CellResult>& results);

/// one: a single cell was asked for.
[[nodiscard]] std::string results_text(
    const config::Sweep& sweep, const std::vector<CellResult>& results, bool one
);
[[nodiscard]] nlohmann::json results_json(
    const config::Sweep& sweep, const std::vector<CellResult>& results
);

} // namespace headroom::cli
