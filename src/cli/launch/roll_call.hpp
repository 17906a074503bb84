// Before anything else, every rank tells rank 0 which program it is and where it runs. What follows
// is understood only by the same program.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "comm/transport.hpp"

namespace headroom::cli {

struct Present {
    std::string program; ///< version and commit
    std::string host;
    std::int64_t devices_per_core = 1; ///< on this host, rounded up
};

[[nodiscard]] std::string host_name();

/// This process, one of `ranks`.
[[nodiscard]] Present myself(std::size_t ranks);

/// What rank 0 learns.
struct Roll {
    std::vector<std::string> hosts;    ///< per rank
    std::int64_t devices_per_core = 1; ///< on the fullest host
};

/// Rank 0: hears all others. Throws EnvironmentError if one of them is another program, saying
/// which and where.
[[nodiscard]] Roll call_roll(comm::Transport& transport);

/// Every other rank.
void answer_roll(comm::Transport& transport);

} // namespace headroom::cli
