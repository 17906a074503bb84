// A thread per rank that exchanges signs of life: it answers the questions of other ranks while the
// main thread is busy, and it asks the ranks that the main thread waits for. The thread sends
// nothing in short waits, so a normal run has no such messages. Only comm/mpi includes this header.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <mpi.h>

#include "comm/liveness.hpp"
#include "comm/mpi/mpi_world.hpp"

namespace headroom::comm {

class MpiLivenessThread {
  public:
    /// Starts the thread. The calling thread is the main thread, whose activity the answers report.
    /// The world must outlive this object.
    explicit MpiLivenessThread(MpiWorld& world);
    MpiLivenessThread(const MpiLivenessThread&) = delete;
    MpiLivenessThread& operator=(const MpiLivenessThread&) = delete;
    ~MpiLivenessThread() { stop(); }

    /// Ends the thread; this rank gives no more answers.
    void stop();

    // The main thread calls the following functions.

    /// Begins a wait for these ranks; see LivenessMonitor::begin_wait.
    void begin_wait(const std::vector<int>& ranks, std::chrono::nanoseconds silence);
    void end_wait();
    [[nodiscard]] std::vector<int> silent_ranks() const;
    /// Returns whether the wait may exceed its deadline, because a rank of the wait is excused.
    [[nodiscard]] bool any_excused() const;
    /// Sets whether this rank is excused (see Transport::Excuse).
    void excuse(bool on);

  private:
    struct OutgoingSign {
        SignOfLife content;
        MPI_Request request = MPI_REQUEST_NULL;
    };
    using Answer = std::pair<int, SignOfLife>; ///< the rank and its sign

    void run();
    void exchange_signs();
    [[nodiscard]] SignOfLife own_sign();
    [[nodiscard]] std::vector<Answer> receive_signs(const SignOfLife& own);
    void send(int rank, int tag, const SignOfLife& sign);
    void release_finished_sends();

    MpiWorld& world_;
    pid_t main_thread_;
    clockid_t main_clock_{};
    /// how often the main thread was found waiting for a disk, which counts as progress
    std::int64_t disk_waits_ = 0;
    std::atomic<std::chrono::steady_clock::rep> excused_since_{0};
    std::list<OutgoingSign> outgoing_;

    mutable std::mutex mutex_; ///< guards monitor_ and stopping_
    LivenessMonitor monitor_;
    bool stopping_ = false;
    std::condition_variable wake_;
    std::thread thread_;
};

/// Ends a wait of MpiLivenessThread in its destructor, if begin() was called. The transport calls
/// begin() only in waits that have lasted for a while.
class WatchedWait {
  public:
    explicit WatchedWait(MpiLivenessThread& liveness_thread) : liveness_thread_(liveness_thread) {}
    WatchedWait(const WatchedWait&) = delete;
    WatchedWait& operator=(const WatchedWait&) = delete;
    ~WatchedWait() {
        if (begun_) {
            liveness_thread_.end_wait();
        }
    }
    [[nodiscard]] bool begun() const { return begun_; }
    void begin(const std::vector<int>& ranks, std::chrono::nanoseconds silence) {
        liveness_thread_.begin_wait(ranks, silence);
        begun_ = true;
    }

  private:
    MpiLivenessThread& liveness_thread_;
    bool begun_ = false;
};

} // namespace headroom::comm
