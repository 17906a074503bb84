// From many runs to one table: the keys in which they differ, and the figures of each. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trace/analysis/figure_table.hpp"
#include "trace/analysis/summary.hpp"

namespace headroom::cli {

/// One run, as its trace or the record of its failure tells it.
struct CollectedRun {
    std::string file;          ///< name in the folder
    std::string scenario_name; ///< of the scenario's file, without folder and extension
    std::string scenario;      ///< resolved text
    std::string execution;     ///< "decoded", "simulated", …; empty: nothing was executed
    std::string state;         ///< "finished", "interrupted", "failed", "killed", "running"
    std::optional<int> exit_code;
    std::string error;                     ///< one line; or empty
    std::optional<trace::Summary> summary; ///< nothing was decoded: nothing
};

struct Collection {
    trace::FigureTable table; ///< a row per run, in their order
    /// Leading columns of the table: what the run was. The others are its figures.
    std::size_t keys = 0;
    std::vector<std::string> notes; ///< what was left out of the table; one line each
};

/// Columns: file, scenario, policy, interval, seed, devices, model, every other key in which the
/// scenarios differ, and the figures by the names that `headroom inspect --json` gives them. No
/// wall clock is in it. Throws InputError if a scenario is no TOML.
[[nodiscard]] Collection collected(const std::vector<CollectedRun>& runs);

/// The table for people: what differs between the runs, and the chief figures.
[[nodiscard]] std::string collection_text(const Collection& collection);

} // namespace headroom::cli
