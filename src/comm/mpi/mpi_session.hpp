// Starts and ends MPI in this process, and creates the transport over MPI. Code that includes this
// header needs no <mpi.h>. Rank i is device i.
#pragma once

#include <chrono>
#include <memory>

#include "comm/transport.hpp"

namespace headroom::comm {

struct MpiWorld;
class MpiLivenessThread;

/// The use of MPI by this process, from MPI_Init to MPI_Finalize; a process has one session. The
/// owner calls finish() after a successful run and abort() after a failure. It must not call
/// finish() after a failure, because MPI_Finalize would wait for ranks that never call it.
class MpiSession {
  public:
    /// Starts MPI with MPI_THREAD_SERIALIZED and duplicates MPI_COMM_WORLD. While a rank's process
    /// is stopped, this call and finish() cannot return. When they have lasted for the time
    /// `silence`, another rank on the computer of that process ends the job with a message and exit
    /// code 5. If `silence` is 0, no rank does so. Throws EnvironmentError if MPI cannot be
    /// started.
    explicit MpiSession(std::chrono::nanoseconds silence = std::chrono::seconds(30));
    MpiSession(const MpiSession&) = delete;
    MpiSession& operator=(const MpiSession&) = delete;
    /// Does nothing after finish(), and nothing while an exception propagates: the process will
    /// then exit, and mpirun ends the job. In all other cases the missing call of finish() is a
    /// bug, and the destructor calls abort().
    ~MpiSession();

    [[nodiscard]] int rank() const;
    [[nodiscard]] int size() const;

    /// Returns on every rank the largest `value` of all ranks, so that all can end with the same
    /// exit code. Throws StuckError if some rank has not called this function by the deadline.
    [[nodiscard]] int max_over_ranks(
        int value, std::chrono::nanoseconds deadline = std::chrono::seconds(120)
    );

    /// Waits for all ranks and finalises MPI. Throws Bug if a send was never waited for.
    void finish();

    /// Flushes the output and ends all ranks of the job at once with this exit code.
    [[noreturn]] void abort(int code);

    // For make_mpi_transport.
    [[nodiscard]] MpiWorld& world() { return *world_; }
    [[nodiscard]] MpiLivenessThread& liveness_thread() { return *liveness_thread_; }

  private:
    std::chrono::nanoseconds silence_;
    std::unique_ptr<MpiWorld> world_;
    std::unique_ptr<MpiLivenessThread> liveness_thread_;
    bool finished_ = false;
};

/// Returns a transport over all ranks of the session. The session must outlive the transport.
[[nodiscard]] std::unique_ptr<Transport> make_mpi_transport(MpiSession& session);

} // namespace headroom::comm
