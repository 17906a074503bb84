// Detects that an MPI job does not start. An mpirun that lacks file descriptors or memory may start
// no rank, print nothing and wait for ever. Therefore rank 0 writes start marks to its stdout, and
// the launching process waits for each of them only for a limited time.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace headroom::cli {

/// How far the start of a job has come. Rank 0 writes a start mark for each stage after the first.
enum class StartStage : std::uint8_t {
    launched,       ///< mpirun is running
    rank_0_started, ///< rank 0 is running
    all_connected,  ///< MPI has connected all ranks
};

/// A start mark, which rank 0 writes to its standard output. It contains control characters, so
/// that no other output of a job is taken for a start mark.
inline constexpr std::string_view kStartMark = "\x01\x02headroom goes on\x02\x01";

/// Called by rank 0 when it reaches the next stage.
void write_start_mark();

/// Measures how long the launching process waits for the next stage. Time in which this process or
/// mpirun was suspended (for example by SIGSTOP) does not count.
class StartWatch {
  public:
    StartWatch(std::size_t ranks, pid_t mpirun) : ranks_(ranks), mpirun_(mpirun) {}

    /// Whether the start has failed, because the time limit has passed or mpirun is idle without
    /// ranks. `stage` is the stage reached so far. To be called every few milliseconds.
    [[nodiscard]] bool has_failed(StartStage stage);
    /// Returns the error message for a start that has failed.
    [[nodiscard]] std::string text() const;

  private:
    using Clock = std::chrono::steady_clock;

    void check_mpirun();
    [[nodiscard]] Clock::duration time_limit() const;

    std::size_t ranks_;
    pid_t mpirun_;
    StartStage stage_ = StartStage::launched;
    Clock::time_point last_call_ = Clock::now(); ///< last call of has_failed()
    Clock::duration waited_{};                   ///< time spent waiting for the next stage
    Clock::duration idle_{}; ///< time for which mpirun has had no children and used no CPU time
    Clock::duration since_check_{}; ///< time since the last check_mpirun()
    bool stopped_ = false;          ///< mpirun is stopped by a signal
    bool had_ranks_ = false;        ///< mpirun has started a rank on this host
    long long cpu_ticks_ = -1; ///< CPU time that mpirun has used, in clock ticks; -1 if unknown
};

} // namespace headroom::cli
