// Running cells of a sweep, some at a time, in a folder that other jobs may share.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "cli/sweep/cell_process.hpp"

namespace headroom::cli {

enum class CellEnd : std::uint8_t {
    not_run,   ///< an interrupt came before
    was_there, ///< finished when we came to it
    finished,
    failed,
    interrupted
};

struct CellResult {
    std::size_t index = 0;
    CellEnd end = CellEnd::not_run;
    int exit_code = 0;
    std::vector<std::string> error; ///< lines
    double seconds = 0;             ///< of wall clock
    std::string note;               ///< what a user should know besides; or empty
};

/// Hears what becomes of cells while they run.
class SweepObserver {
  public:
    virtual ~SweepObserver() = default;
    virtual void on_end(const CellResult& result) = 0;
    /// running: cells of this job under way. waiting: cells that other jobs have.
    virtual void on_wait(const std::vector<std::size_t>& running, std::size_t waiting) = 0;
};

class SweepRunner {
  public:
    SweepRunner(const config::Sweep& sweep, SweepObserver& observer)
        : sweep_(sweep), observer_(observer), locks_(sweep.folder) {}

    /// Runs the cells, in this order, at most `jobs` at a time. What is finished is skipped; what
    /// another job has is waited for, and done here if that job leaves it undone. Returns a result
    /// per cell, in the same order, when all have ended or an interrupt has come and what was
    /// running has closed its trace. Throws EnvironmentError, InputError.
    [[nodiscard]] std::vector<CellResult> run(
        const std::vector<std::size_t>& cells, std::size_t jobs
    );

  private:
    using Clock = std::chrono::steady_clock;
    struct Running {
        std::size_t place; ///< in results_
        std::string scenario;
        CellFiles files;
        CellLock lock;
        CellProcess process;
        Clock::time_point since;
    };

    void begin_some(std::size_t jobs);
    [[nodiscard]] bool begin(std::size_t place);
    void end_some();
    void end(Running& cell, int exit_code);
    void keep(Running& cell, CellResult& result);
    void fail(Running& cell, CellResult& result);
    void told(std::size_t place);
    void pass_on_interrupts();
    [[nodiscard]] std::size_t waiting() const { return busy_.size(); }

    const config::Sweep& sweep_;
    SweepObserver& observer_;
    CellLocks locks_;
    std::vector<CellResult> results_;
    std::deque<std::size_t> queue_; ///< places to begin
    std::deque<std::size_t> busy_;  ///< places that another job has
    std::vector<bool> was_busy_;    ///< by place
    std::vector<Running> running_;
    int passed_on_ = 0; ///< interrupts
    Clock::time_point asked_{};
};

} // namespace headroom::cli
