// A thread per rank that exchanges signs of life (messages which show that a rank still works). It
// answers the questions of other ranks, even if the main thread is busy, and it asks the ranks that
// the main thread waits for. In short waits it asks nobody. Only comm/mpi includes this header.
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
    /// Starts the thread. The calling thread becomes the "main thread": the answers say whether it
    /// makes progress. The world must outlive this object.
    explicit MpiLivenessThread(MpiWorld& world);
    MpiLivenessThread(const MpiLivenessThread&) = delete;
    MpiLivenessThread& operator=(const MpiLivenessThread&) = delete;
    ~MpiLivenessThread() { stop(); }

    /// Ends the thread. After this call, the rank gives no more answers.
    void stop();

    // The main thread calls the following functions.

    /// Begins a wait for these ranks. A rank without a sign of life for `silence` is silent.
    void begin_wait(const std::vector<int>& ranks, std::chrono::nanoseconds silence);
    void end_wait();
    [[nodiscard]] std::vector<int> silent_ranks() const;
    /// Returns whether a rank of the wait is excused, so that the wait may exceed its deadline.
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
    /// how often this thread has found the main thread waiting for a disk. SignOfLife::progress is
    /// the processor time of the main thread plus this number, because such a wait uses no
    /// processor time.
    std::int64_t disk_waits_ = 0;
    std::atomic<std::chrono::steady_clock::rep> excused_since_{0};
    std::list<OutgoingSign> outgoing_;

    mutable std::mutex mutex_; ///< guards monitor_ and stopping_
    LivenessMonitor monitor_;
    bool stopping_ = false;
    std::condition_variable wake_;
    std::thread thread_;
};

/// One wait of the transport. When the wait has lasted for a second, the transport calls begin().
/// From then on MpiLivenessThread watches the wait, until the destructor ends it.
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
