// Among the ranks that a rank waits for, finds those to ask for a sign of life (an answer that
// shows that a rank works) and those that are silent (have given no sign of life for long). The
// caller passes the time and the answers, so that tests need not wait. comm/mpi sends the
// questions.
#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <vector>

namespace headroom::comm {

/// A sign of life: the answer of a rank.
struct SignOfLife {
    std::int64_t progress = 0; ///< changes whenever the main thread has done something
    bool excused = false;      ///< whether the rank is excused (see Transport::Excuse)
};

/// Counts the time in which this process runs. Time in which the process is stopped (Ctrl-Z), or
/// the computer or its container is suspended, does not count.
class RunningTime {
  public:
    /// Adds the time since the last call and returns true. Returns false and adds nothing if that
    /// time is so long that the process must have been stopped.
    bool update(std::chrono::steady_clock::time_point now);
    [[nodiscard]] std::chrono::nanoseconds total() const { return total_; }

  private:
    bool has_started_ = false;
    std::chrono::steady_clock::time_point last_;
    std::chrono::nanoseconds total_{0};
};

/// What one rank knows of the ranks that it waits for. A rank must be asked when it has given no
/// sign of life for a third of the time after which it counts as silent.
class LivenessMonitor {
  public:
    using Nanoseconds = std::chrono::nanoseconds;

    /// Begins a wait for these ranks. A rank without a sign of life for `silence` is silent; if
    /// `silence` is 0, no rank is ever silent.
    void begin_wait(const std::vector<int>& ranks, Nanoseconds silence);
    void end_wait();

    /// Returns the ranks to ask now. Must be called a few times a second.
    [[nodiscard]] std::vector<int> ranks_to_ask(std::chrono::steady_clock::time_point now);
    void record_answer(int rank, const SignOfLife& sign);

    [[nodiscard]] std::vector<int> silent_ranks() const;
    /// Returns whether a rank of this wait has answered that it is excused.
    [[nodiscard]] bool any_excused() const;

  private:
    struct Peer {
        int rank = -1;
        Nanoseconds last_sign{0};     ///< running time at the last sign of life, or at begin_wait()
        Nanoseconds last_question{0}; ///< running time at the last question
        bool has_answered = false;
        SignOfLife last_answer;
    };
    [[nodiscard]] Nanoseconds silent_for(const Peer& peer) const {
        return time_.total() - peer.last_sign;
    }

    RunningTime time_;
    Nanoseconds silence_{0};
    std::vector<Peer> peers_;
    std::set<int> unanswered_; ///< ranks with an open question, which are not asked again
};

} // namespace headroom::comm
