// Finds the runs of a folder: its traces, and the records of failed cells (runs) of a sweep.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "cli/sweep/collect_rows.hpp"

namespace headroom::cli {

struct FoundRuns {
    std::vector<CollectedRun> runs;
    std::vector<std::string> notes; ///< lines for the user, for example that a file is unreadable
    std::map<std::string, std::size_t> programs; ///< program version and commit → number of traces
};

/// Reads the traces and records in a folder. If the folder is that of a sweep, the runs of the
/// sweep come first, in the order of its cells; other runs follow, sorted by file name. Files that
/// cannot be read are left out with a note. Throws InputError if there is no such folder, and
/// EnvironmentError if the folder cannot be read.
[[nodiscard]] FoundRuns find_runs(const std::filesystem::path& folder);

} // namespace headroom::cli
