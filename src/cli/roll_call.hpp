// Before anything else, every rank tells rank 0 which program it is and where it runs. What follows
// is understood only by the same program.
#pragma once

#include <string>
#include <vector>

#include "comm/transport.hpp"

namespace headroom::cli {

struct Present {
    std::string program; ///< version and commit
    std::string host;
};

[[nodiscard]] std::string host_name();

/// This process.
[[nodiscard]] Present myself();

/// Rank 0: hears all others. Returns the host of every rank.
/// Throws EnvironmentError if one of them is another program, saying which and where.
[[nodiscard]] std::vector<std::string> call_roll(comm::Transport& transport);

/// Every other rank.
void answer_roll(comm::Transport& transport);

} // namespace headroom::cli
