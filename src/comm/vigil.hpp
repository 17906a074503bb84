// Whether those that a rank waits for are alive: whom to ask and when, and who has been silent for
// too long. Values only: the time and the answers come from outside, so that tests need not wait.
#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <vector>

namespace headroom::comm {

/// What a rank says when it is asked.
struct Sign {
    std::int64_t moved = 0; ///< another value whenever its main thread has done anything
    bool excused = false;   ///< it does, or waits for, what has a limit of its own
};

/// The time that this process has been running: stopped (Ctrl-Z), suspended or frozen together with
/// its container it has waited for nobody.
class RunningTime {
  public:
    /// False: there was such a gap since the last look, which does not count.
    bool look(std::chrono::steady_clock::time_point now);
    [[nodiscard]] std::chrono::nanoseconds total() const { return total_; }

  private:
    bool begun_ = false;
    std::chrono::steady_clock::time_point last_;
    std::chrono::nanoseconds total_{0};
};

/// What one rank knows of the others while it waits. It asks when a third of the time is over.
class Vigil {
  public:
    using Nanoseconds = std::chrono::nanoseconds;

    /// A wait for these ranks begins. Who gives no sign for `silence` is silent; 0: nobody ever is.
    void begin(const std::vector<int>& ranks, Nanoseconds silence);
    void end();

    /// Whom to ask now. Looked at a few times a second.
    [[nodiscard]] std::vector<int> look(std::chrono::steady_clock::time_point now);
    void hear(int rank, const Sign& sign);

    [[nodiscard]] std::vector<int> silent() const;
    /// Somebody who is waited for has said that it takes longer.
    [[nodiscard]] bool excused() const;

  private:
    struct Peer {
        int rank = -1;
        Nanoseconds heard{0}; ///< when it last gave a sign, in running time; else the beginning
        Nanoseconds asked{0};
        bool answered = false;
        Sign last;
    };
    [[nodiscard]] Nanoseconds quiet(const Peer& peer) const { return time_.total() - peer.heard; }

    RunningTime time_;
    Nanoseconds silence_{0};
    std::vector<Peer> peers_;
    std::set<int> owing_; ///< an answer: they are not asked again before
};

} // namespace headroom::comm
