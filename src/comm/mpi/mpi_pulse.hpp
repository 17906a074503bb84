// Private to comm/mpi: a small thread per rank that answers "are you alive?" while the main thread
// computes, loads or decides, and that asks those for whom the main thread waits. It sends nothing
// until a wait has lasted long, so that no message goes along with the tokens.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

#include <mpi.h>

#include "comm/mpi/mpi_world.hpp"
#include "comm/vigil.hpp"

namespace headroom::comm {

class MpiPulse {
  public:
    /// Of the thread that calls; the world must outlive it.
    explicit MpiPulse(MpiWorld& world);
    MpiPulse(const MpiPulse&) = delete;
    MpiPulse& operator=(const MpiPulse&) = delete;
    ~MpiPulse() { stop(); }

    /// From now on nobody is answered.
    void stop();

    // For the main thread.
    void begin_wait(const std::vector<int>& ranks, std::chrono::nanoseconds silence);
    void end_wait();
    /// Of those that the wait is for.
    [[nodiscard]] std::vector<int> silent() const;
    /// The wait may go on for longer than its deadline: whoever is at its root has said so.
    [[nodiscard]] bool excused() const;
    /// The main thread does something that has a limit of its own, or no longer does.
    void excuse(bool on);

  private:
    struct Words {
        std::int64_t moved = 0;
        std::int64_t excused = 0;
    };
    struct Outgoing {
        Words words;
        MPI_Request request = MPI_REQUEST_NULL;
    };
    struct Answer {
        int rank = -1;
        Sign sign;
    };

    void run();
    void look();
    [[nodiscard]] Sign own_sign();
    [[nodiscard]] std::vector<Answer> hear_all(const Sign& own);
    void send(int rank, int tag, const Sign& sign);
    void forget_sent();

    MpiWorld& world_;
    pid_t main_thread_;
    clockid_t main_clock_{};
    std::int64_t disk_waits_ = 0; ///< looks at which the main thread waited for a disk
    std::atomic<std::chrono::steady_clock::rep> excused_since_{0};
    std::list<Outgoing> outgoing_;

    mutable std::mutex state_; ///< guards what follows
    Vigil vigil_;
    bool stopping_ = false;
    std::condition_variable stop_;
    std::thread thread_;
};

/// A wait that has lasted for a while is watched: whoever it is for may be silent.
class WatchedWait {
  public:
    explicit WatchedWait(MpiPulse& pulse) : pulse_(pulse) {}
    WatchedWait(const WatchedWait&) = delete;
    WatchedWait& operator=(const WatchedWait&) = delete;
    ~WatchedWait() {
        if (begun_) {
            pulse_.end_wait();
        }
    }
    [[nodiscard]] bool begun() const { return begun_; }
    void begin(const std::vector<int>& ranks, std::chrono::nanoseconds silence) {
        pulse_.begin_wait(ranks, silence);
        begun_ = true;
    }

  private:
    MpiPulse& pulse_;
    bool begun_ = false;
};

} // namespace headroom::comm
