// Whether a job comes up. mpirun that lacks file descriptors or memory may start no rank, say
// nothing and wait for ever; so ranks give signs, and who waits for them does so for a limited
// time.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace headroom::cli {

/// How far a job has come. Each step but the first is told by a sign on rank 0's standard output.
enum class JobStep : std::uint8_t {
    launched, ///< mpirun runs
    entered,  ///< rank 0 is there
    met,      ///< all ranks have met
};

/// Unlike anything that a model or a person writes.
inline constexpr std::string_view kSign = "\x01\x02headroom goes on\x02\x01";

/// Rank 0: tells whoever started mpirun that the next step is reached.
void give_sign();

/// Waits of the launcher for the next step, in its own running time: a gap in its clock, or mpirun
/// being stopped, does not count.
class StartWatch {
  public:
    StartWatch(std::size_t ranks, pid_t mpirun) : ranks_(ranks), mpirun_(mpirun) {}

    /// Call it often. Is it certain, or long overdue, that the job does not come up?
    [[nodiscard]] bool has_failed(JobStep step);
    /// A sentence on it.
    [[nodiscard]] std::string text() const;

  private:
    using Clock = std::chrono::steady_clock;

    void look_at_mpirun();
    [[nodiscard]] Clock::duration patience() const;

    std::size_t ranks_;
    pid_t mpirun_;
    JobStep step_ = JobStep::launched;
    Clock::time_point seen_ = Clock::now();
    Clock::duration waited_{}; ///< for the next step
    Clock::duration idle_{};   ///< that mpirun has had no children and used no processor
    Clock::duration looked_{};
    bool stopped_ = false;
    bool had_ranks_ = false;
    long long used_ = -1; ///< processor time of mpirun, in ticks
};

} // namespace headroom::cli
