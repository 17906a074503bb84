// The runs that a folder tells of: traces, and records of cells that failed.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "cli/sweep/collect_rows.hpp"

namespace headroom::cli {

/// What a folder holds, and what there is to say about it.
struct FoundRuns {
    std::vector<CollectedRun> runs;
    std::vector<std::string> notes;
    std::map<std::string, std::size_t> programs; ///< version and commit -> traces
};

/// Reads everything in the folder; runs are sorted by the names of their files. What is no trace is
/// left out with a note. Throws InputError if there is no such folder, EnvironmentError if it
/// cannot be read.
[[nodiscard]] FoundRuns find_runs(const std::filesystem::path& folder);

} // namespace headroom::cli
