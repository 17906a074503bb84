// The life of MPI in this process: from MPI_Init to MPI_Finalize, or to an abort of all ranks.
// Users see no <mpi.h>. A rank is device number rank.
#pragma once

#include <chrono>
#include <memory>

#include "comm/transport.hpp"

namespace headroom::comm {

struct MpiWorld;
class MpiPulse;

/// One per process. End it with finish() when all went well, with abort() when not; there is no
/// finalisation while unwinding, because it waits for ranks that will never come.
class MpiSession {
  public:
    /// Starts MPI (serialised: only this thread communicates, but for signs of life) and duplicates
    /// the world. A rank that is stopped for `silence` meanwhile, or in finish(), ends the job with
    /// code 5 and a sentence; 0: none does. Throws EnvironmentError.
    explicit MpiSession(std::chrono::nanoseconds silence = std::chrono::seconds(30));
    MpiSession(const MpiSession&) = delete;
    MpiSession& operator=(const MpiSession&) = delete;
    /// Without finish(): while unwinding it leaves MPI as it is (whoever catches ends the
    /// process, and mpirun the job); otherwise that is a bug and aborts all ranks.
    ~MpiSession();

    [[nodiscard]] int rank() const;
    [[nodiscard]] int size() const;

    /// The largest value of all ranks, on all ranks: every rank ends with the same exit code.
    /// All must come here; throws StuckError if one does not come before the deadline.
    [[nodiscard]] int max_over_ranks(
        int value, std::chrono::nanoseconds deadline = std::chrono::seconds(120)
    );

    /// Ends MPI. Waits for all ranks. Throws Bug if sends are still under way.
    void finish();

    /// Ends all ranks of the job at once with this exit code; what was printed is flushed first.
    [[noreturn]] void abort(int code);

    /// For make_mpi_transport.
    [[nodiscard]] MpiWorld& world() { return *world_; }
    [[nodiscard]] MpiPulse& pulse() { return *pulse_; }

  private:
    std::chrono::nanoseconds silence_;
    std::unique_ptr<MpiWorld> world_;
    std::unique_ptr<MpiPulse> pulse_;
    bool finished_ = false;
};

/// A transport over all ranks of the session, which must outlive it.
[[nodiscard]] std::unique_ptr<Transport> make_mpi_transport(MpiSession& session);

} // namespace headroom::comm
