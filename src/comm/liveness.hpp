// Signs of life: a rank that waits long asks the awaited ranks whether they still work. This header
// finds the ranks to ask, and the silent ranks, which have given no sign of life for too long. The
// caller passes in the time and the answers, so that tests need not wait. comm/mpi sends the
// questions and answers.
#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <vector>

namespace headroom::comm {

/// The answer of a rank. The first answer in a wait is a sign of life. A later one is a sign of
/// life only if `progress` has changed or `excused` is true.
struct SignOfLife {
    std::int64_t progress = 0; ///< changes whenever the rank's main thread has done something
    bool excused = false; ///< whether others wait for it beyond the deadline (Transport::Excuse)
};

/// Adds up the time in which this process runs. Time in which the process is stopped (Ctrl-Z), or
/// in which its computer or container is suspended, does not count.
class RunningTime {
  public:
    /// Adds the time since the last call and returns true. But if more than 2 s have passed since
    /// that call, the process must have been stopped; then adds nothing and returns false.
    bool update(std::chrono::steady_clock::time_point now);
    [[nodiscard]] std::chrono::nanoseconds total() const { return total_; }

  private:
    bool has_started_ = false;
    std::chrono::steady_clock::time_point last_;
    std::chrono::nanoseconds total_{0};
};

/// What this rank knows of the ranks that it waits for. A rank must be asked when a third of
/// `silence` (see begin_wait) has passed since the rank's last sign of life.
class LivenessMonitor {
  public:
    using Nanoseconds = std::chrono::nanoseconds;

    /// Begins a wait for these ranks. A rank that gives no sign of life for the time `silence` is
    /// silent. If `silence` is 0, no rank is asked and none is ever silent.
    void begin_wait(const std::vector<int>& ranks, Nanoseconds silence);
    void end_wait();

    /// Returns the ranks to ask now. Must be called a few times a second, because
    /// RunningTime::update takes a gap of more than 2 s between two calls for a stopped process.
    [[nodiscard]] std::vector<int> ranks_to_ask(std::chrono::steady_clock::time_point now);
    void record_answer(int rank, const SignOfLife& sign);

    [[nodiscard]] std::vector<int> silent_ranks() const;
    /// Returns whether a rank of this wait has answered that it is excused.
    [[nodiscard]] bool any_excused() const;

  private:
    struct Peer {
        int rank = -1;
        Nanoseconds last_sign{0};     ///< running time at the last sign of life, or at begin_wait()
        Nanoseconds last_question{0}; ///< running time at the last question, or at begin_wait()
        bool has_answered = false;
        SignOfLife last_answer;
    };
    [[nodiscard]] Nanoseconds silent_for(const Peer& peer) const {
        return time_.total() - peer.last_sign;
    }

    RunningTime time_;
    Nanoseconds silence_{0};
    std::vector<Peer> peers_;
    std::set<int> unanswered_; ///< ranks that were asked; not asked again until they answer
};

} // namespace headroom::comm
