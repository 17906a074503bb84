// Ranks that fall silent, for the conformance program over MPI.
#pragma once

#include <string>

#include "comm/mpi/mpi_session.hpp"

namespace headroom::comm {

/// Every rank waits for the next one, the last for nobody: it is stopped ("frozen"), computes for
/// longer than a silent rank may take ("busy"), does nothing at all ("asleep"), or is excused and
/// asleep ("excused"). Returns what went wrong; "": as it should be. Where a rank ought to be found
/// silent, whoever finds it prints "found: " and the error's text, and ends the job with its code.
[[nodiscard]] std::string fall_silent(
    MpiSession& session, Transport& transport, const std::string& how
);

} // namespace headroom::comm
