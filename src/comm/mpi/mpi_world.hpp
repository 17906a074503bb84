// Private to comm/mpi: the communicator with what all its users share, and the one place where
// MPI's return codes are looked at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>

#include <mpi.h>

namespace headroom::comm {

struct MpiWorld {
    MPI_Comm comm = MPI_COMM_NULL;  ///< our duplicate of MPI_COMM_WORLD
    MPI_Comm signs = MPI_COMM_NULL; ///< another, for signs of life alone
    std::mutex calls;               ///< held by whoever calls MPI
    int rank = 0;
    int size = 1;
    std::int64_t sends_in_flight = 0;
    bool failed = false; ///< a wait has given up: unfinished sends may be dropped
};

/// Throws EnvironmentError with MPI's own text unless the code is MPI_SUCCESS.
void check_mpi(int code, std::string_view call);

/// MPI counts with int: throws EnvironmentError, naming what is counted, if it does not fit.
[[nodiscard]] int checked_int(std::size_t count, std::string_view what);

} // namespace headroom::comm
