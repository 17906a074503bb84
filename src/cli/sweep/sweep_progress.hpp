// Prints the progress of a sweep to stderr. On a terminal one line is rewritten, and each cell
// (run) that fails gets a line; elsewhere each cell that is run gets a line at its end.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/terminal/console.hpp"
#include "config/sweep/sweep.hpp"

namespace headroom::cli {

enum class CellEnd : std::uint8_t {
    not_run,          ///< an interrupt came before the cell began
    already_finished, ///< the cell had a finished trace, so it was not run
    finished,
    failed,
    interrupted
};

[[nodiscard]] constexpr std::string_view name_of(CellEnd end) {
    constexpr std::string_view kNames[] = {
        "not run", "finished before", "finished", "failed", "interrupted"};
    return kNames[static_cast<std::size_t>(end)];
}

struct CellResult {
    std::size_t index = 0;
    CellEnd end = CellEnd::not_run;
    int exit_code = 0;
    std::vector<std::string> error; ///< lines of the error message
    double seconds = 0;             ///< wall-clock time of the run
    std::string note;               ///< line for the user if an old trace was renamed, or empty
};

class SweepProgress {
  public:
    /// `cells` is the number of cells that the command asks for.
    SweepProgress(const config::Sweep& sweep, Terminal terminal, std::size_t cells)
        : sweep_(sweep), terminal_(terminal), cells_(cells) {}

    void on_cell_end(const CellResult& result);
    /// To be called every few milliseconds. `running` has the indices of the cells that this job
    /// (process of `headroom sweep`) runs at the moment. Several jobs can share a sweep; `waiting`
    /// is the number of cells for which this job waits because other jobs run them.
    void on_poll(const std::vector<std::size_t>& running, std::size_t waiting);
    void finish();

  private:
    /// Returns ", about 3 min left", or "" before this job has run a cell.
    [[nodiscard]] std::string time_left() const;
    void clear();

    const config::Sweep& sweep_;
    Terminal terminal_;
    std::size_t cells_;
    std::size_t ended_ = 0;
    std::size_t run_here_ = 0; ///< number of ended cells whose end is not already_finished
    std::size_t failed_ = 0;
    bool line_visible_ = false;
    bool waiting_printed_ = false;
    std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point shown_{};
};

} // namespace headroom::cli
