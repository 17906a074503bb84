// The communicators of this process, the state that the code in comm/mpi shares, and checks of
// MPI's return codes and counts. Only comm/mpi includes this header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>

#include <mpi.h>

namespace headroom::comm {

struct MpiWorld {
    /// Returns whether MPI has completed the request. A completed request is freed.
    [[nodiscard]] bool completes(MPI_Request& request);

    MPI_Comm comm = MPI_COMM_NULL;  ///< a duplicate of MPI_COMM_WORLD, for the transport
    MPI_Comm signs = MPI_COMM_NULL; ///< a second duplicate, for signs of life (liveness.hpp)
    std::mutex call_mutex;          ///< a thread holds this mutex while it calls MPI
    int rank = 0;
    int size = 1;
    std::int64_t sends_in_flight = 0; ///< started sends that are not done
    bool failed = false; ///< whether a wait has failed; a send may then be destroyed unfinished
};

/// Throws EnvironmentError with MPI's error text if `code`, the result of `call`, is an error.
void check_mpi(int code, std::string_view call);

/// Returns the count as an int, which MPI's functions take. Throws EnvironmentError if the count is
/// too large; `what` says in the error what is counted.
[[nodiscard]] int checked_int(std::size_t count, std::string_view what);

} // namespace headroom::comm
