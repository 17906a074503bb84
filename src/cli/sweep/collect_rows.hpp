// Makes one table of many runs, without reading files. The columns are the scenario keys in which
// the runs differ, and the figures (summary numbers) of each run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/sweep/sweep.hpp"
#include "trace/analysis/figure_table.hpp"
#include "trace/analysis/summary.hpp"

namespace headroom::cli {

/// One run, as read from its trace or from the record of its failure.
struct CollectedRun {
    std::string file;          ///< file name in the folder
    std::string scenario_name; ///< name of the scenario's file, without folder and extension
    std::string scenario;      ///< scenario as TOML with all defaults (resolved text)
    std::string execution;     ///< "decoded", "simulated", …; empty if there is no trace
    std::string state;         ///< "finished", "interrupted", "failed", "killed", "running"
    std::optional<int> exit_code;
    std::string error;                     ///< one line, or empty
    std::optional<trace::Summary> summary; ///< nothing if no token was sampled
    std::size_t cell = SIZE_MAX;           ///< index of its cell in the sweep; SIZE_MAX: none
    std::vector<config::SweepSetting> settings = {}; ///< values that the sweep sets
    std::string own_policy = {}; ///< name of a policy that is not part of the program, or empty
};

struct Collection {
    trace::FigureTable table; ///< one row per run, in the order of the runs
    /// Number of leading columns that identify a run. The other columns are figures.
    std::size_t key_columns = 0;
    /// Lines for the user about keys that differ but have no column. If more than 12 keys of all
    /// [[device]] tables differ, none of them gets a column; likewise for [[event]] and links. Keys
    /// that a sweep sets always have a column.
    std::vector<std::string> notes;
};

/// Returns the table of the runs. Its columns are `file`, `scenario`, `policy`, `interval`, `seed`,
/// `devices`, `model`, every other key in which the scenarios differ (except those of
/// Collection::notes), and the figures. But a key that a sweep sets, also `policy`, comes directly
/// after `scenario`. These keys have the order of the sweep, and their values are written as in the
/// sweep's file ("4 GiB"). The table contains no wall-clock times. Throws InputError if a scenario
/// is not valid TOML.
[[nodiscard]] Collection collect_rows(const std::vector<CollectedRun>& runs);

/// Returns the table as text: the keys in which the runs differ, and the most important figures.
[[nodiscard]] std::string collection_text(const Collection& collection);

} // namespace headroom::cli
