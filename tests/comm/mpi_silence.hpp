// Ranks that fall silent, for the conformance program over MPI.
#pragma once

#include <string>

#include "comm/mpi/mpi_session.hpp"

namespace headroom::comm {

/// Every rank waits for the next one. The last rank is stopped ("frozen"), computes for longer than
/// the silence limit ("busy"), does nothing at all ("asleep"), or is excused and asleep
/// ("excused"). Returns what went wrong, or "". If a rank must be found silent, the rank that finds
/// it prints "found: " and the text of the error, and ends the job with its code.
[[nodiscard]] std::string fall_silent(
    MpiSession& session, Transport& transport, const std::string& how
);

} // namespace headroom::comm
