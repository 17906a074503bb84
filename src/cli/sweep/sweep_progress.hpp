// Prints the progress of a sweep to stderr. On a terminal it rewrites one line; elsewhere it prints
// a line for each cell that ends.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "cli/sweep/sweep_runner.hpp"
#include "cli/terminal/console.hpp"

namespace headroom::cli {

class SweepProgress final : public SweepObserver {
  public:
    /// cells: the number of cells that the command asks for.
    SweepProgress(const config::Sweep& sweep, Terminal terminal, std::size_t cells)
        : sweep_(sweep), terminal_(terminal), cells_(cells) {}

    void on_cell_end(const CellResult& result) override;
    void on_poll(const std::vector<std::size_t>& running, std::size_t waiting) override;
    /// Removes the progress line from the terminal.
    void finish();

  private:
    /// Returns ", about 3 min left", or "" before this job has run a cell.
    [[nodiscard]] std::string time_left() const;
    /// Removes the progress line from the terminal if it is visible.
    void clear();

    const config::Sweep& sweep_;
    Terminal terminal_;
    std::size_t cells_;
    std::size_t ended_ = 0;
    std::size_t run_here_ = 0; ///< number of ended cells except those that had finished before
    std::size_t failed_ = 0;
    bool line_visible_ = false;
    bool waiting_printed_ = false;
    std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point shown_{};
};

/// Returns a wall-clock time as "12 s", "3 min" or "2.5 h".
[[nodiscard]] std::string wall_text(double seconds);

} // namespace headroom::cli
