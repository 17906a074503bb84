// Starts and ends MPI in this process, and creates the transport over MPI. This header does not
// include <mpi.h>. Rank i is device i.
#pragma once

#include <chrono>
#include <memory>

#include "comm/transport.hpp"

namespace headroom::comm {

struct MpiWorld;
class MpiLivenessThread;

/// MPI from its start to its end; a process has one session. The owner calls finish() after a
/// successful run and abort() after a failure. MPI is not finalised after an exception, because
/// MPI_Finalize would wait for ranks that never call it.
class MpiSession {
  public:
    /// Starts MPI in thread mode "serialized" and duplicates MPI_COMM_WORLD. If a rank is stopped
    /// for `silence` during this call or during finish(), the job ends with exit code 5 and a
    /// message. `silence` 0 disables this check. Throws EnvironmentError if MPI cannot be started.
    explicit MpiSession(std::chrono::nanoseconds silence = std::chrono::seconds(30));
    MpiSession(const MpiSession&) = delete;
    MpiSession& operator=(const MpiSession&) = delete;
    /// If finish() was not called and an exception propagates, leaves MPI as it is, because the
    /// process will exit and mpirun ends the job. If no exception propagates, the missing call is a
    /// bug, and all ranks are aborted.
    ~MpiSession();

    [[nodiscard]] int rank() const;
    [[nodiscard]] int size() const;

    /// Returns on every rank the largest `value` of all ranks, so that all can end with the same
    /// exit code. All ranks must call this function by the deadline; if one does not, throws
    /// StuckError.
    [[nodiscard]] int max_over_ranks(
        int value, std::chrono::nanoseconds deadline = std::chrono::seconds(120)
    );

    /// Waits for all ranks and finalises MPI. Throws Bug if a send is unfinished.
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
