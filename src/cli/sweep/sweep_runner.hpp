// Runs cells (the runs of a sweep), several at a time. Other jobs (processes of `headroom sweep`)
// may run cells of the same sweep in the same folder; cell locks keep two jobs from running the
// same cell.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "cli/sweep/cell_process.hpp"
#include "cli/sweep/sweep_progress.hpp"

namespace headroom::cli {

class SweepRunner {
  public:
    SweepRunner(const config::Sweep& sweep, SweepProgress& progress)
        : sweep_(sweep), progress_(progress), locks_(sweep.folder) {}

    /// Runs the cells in the order of the list. At most `jobs` cells run at a time. Skips finished
    /// cells. Waits for cells that another `headroom sweep` runs, and runs such a cell here if that
    /// process is killed or interrupted. After an interrupt no further cell begins, and running
    /// cells close their traces. Returns one result per cell in the same order. Throws InputError
    /// if a scenario has problems, and EnvironmentError if a file cannot be written or a process
    /// cannot be started.
    [[nodiscard]] std::vector<CellResult> run(
        const std::vector<std::size_t>& cells, std::size_t jobs
    );

  private:
    using Clock = std::chrono::steady_clock;
    struct Running {
        std::size_t slot; ///< index of the cell's result in results_
        std::string scenario;
        CellFiles files;
        CellLock lock;
        std::unique_ptr<CellProcess> process;
        Clock::time_point since;
    };

    /// Begins cells of the queue until `jobs` are running.
    void begin_cells(std::size_t jobs);
    /// Begins the cell of results_[slot], or completes that result if the cell has already ended.
    /// Returns false if another job runs the cell.
    [[nodiscard]] bool begin(std::size_t slot);
    void end_cells();
    void end(Running& cell, int exit_code);
    void record_failure(Running& cell, CellResult& result);
    void forward_interrupts();

    const config::Sweep& sweep_;
    SweepProgress& progress_;
    CellLocks locks_;
    std::vector<CellResult> results_;
    std::deque<std::size_t> queue_;  ///< indices in results_ of cells to begin
    std::deque<std::size_t> locked_; ///< indices in results_ of cells that another job runs
    std::vector<bool> was_locked_;   ///< per result: whether begin() has returned false
    std::vector<Running> running_;
    int forwarded_interrupts_ = 0;   ///< number of interrupts forwarded to the cells
    Clock::time_point last_retry_{}; ///< when the cells in locked_ were last put into the queue
};

} // namespace headroom::cli
