// Runs cells of a sweep, several at a time. Other jobs may run cells of the same sweep in the same
// folder; cell locks keep two jobs from running the same cell.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/sweep/cell_process.hpp"

namespace headroom::cli {

enum class CellEnd : std::uint8_t {
    not_run,          ///< an interrupt came before the cell began
    already_finished, ///< the cell had a finished trace, so it was not run
    finished,
    failed,
    interrupted
};

[[nodiscard]] std::string_view name_of(CellEnd end);

struct CellResult {
    std::size_t index = 0;
    CellEnd end = CellEnd::not_run;
    int exit_code = 0;
    std::vector<std::string> error; ///< lines of the error message
    double seconds = 0;             ///< wall-clock time of the run
    std::string note;               ///< a line for the user about an old trace, or empty
};

/// Receives the progress of a sweep.
class SweepObserver {
  public:
    virtual ~SweepObserver() = default;
    virtual void on_cell_end(const CellResult& result) = 0;
    /// Is called every few milliseconds. running: cells that this job runs at the moment. waiting:
    /// number of cells that other jobs run.
    virtual void on_poll(const std::vector<std::size_t>& running, std::size_t waiting) = 0;
};

class SweepRunner {
  public:
    SweepRunner(const config::Sweep& sweep, SweepObserver& observer)
        : sweep_(sweep), observer_(observer), locks_(sweep.folder) {}

    /// Runs the cells in this order, at most `jobs` at a time. Finished cells are skipped. Cells
    /// that another job runs are waited for, and are run here if that job does not finish them.
    /// After an interrupt no further cell begins, and running cells close their traces. Returns one
    /// result per cell in the same order. Throws EnvironmentError and InputError.
    [[nodiscard]] std::vector<CellResult> run(
        const std::vector<std::size_t>& cells, std::size_t jobs
    );

  private:
    using Clock = std::chrono::steady_clock;
    struct Running {
        std::size_t slot; ///< index in results_
        std::string scenario;
        CellFiles files;
        CellLock lock;
        CellProcess process;
        Clock::time_point since;
    };

    /// Begins cells of the queue until `jobs` are running.
    void begin_cells(std::size_t jobs);
    /// Begins a cell, or records its result if it has already ended. Returns false if another job
    /// runs it.
    [[nodiscard]] bool begin(std::size_t slot);
    /// Handles all processes that have ended.
    void end_cells();
    void end(Running& cell, int exit_code);
    void keep_trace(Running& cell, CellResult& result);
    void record_failure(Running& cell, CellResult& result);
    void report_result(std::size_t slot);
    void forward_interrupts();
    [[nodiscard]] std::size_t waiting() const { return locked_.size(); }

    const config::Sweep& sweep_;
    SweepObserver& observer_;
    CellLocks locks_;
    std::vector<CellResult> results_;
    std::deque<std::size_t> queue_;  ///< indices in results_ of cells to begin
    std::deque<std::size_t> locked_; ///< indices in results_ of cells that another job runs
    std::vector<bool> was_locked_;   ///< per result: another job has run the cell meanwhile
    std::vector<Running> running_;
    int forwarded_interrupts_ = 0;   ///< number of interrupts forwarded to the cells
    Clock::time_point last_retry_{}; ///< when the cells in locked_ were last put into the queue
};

} // namespace headroom::cli
