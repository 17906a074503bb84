// The first messages of a job: every rank sends rank 0 its program version and its host. All later
// messages require that the ranks run the same version of the program.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/wire.hpp"
#include "comm/transport.hpp"

namespace headroom::cli {

struct RankInfo {
    std::string program; ///< version and commit
    std::string host;
    std::int64_t devices_per_core = 1; ///< ranks on its host per CPU core, rounded up
    static auto wire_fields(auto& m) { return Fields() & m.program & m.host & m.devices_per_core; }
};

[[nodiscard]] std::string program_text();

/// Returns the name of this host; "unknown" if the system does not give one.
[[nodiscard]] std::string host_name();

/// What rank 0 knows after the handshake.
struct FleetInfo {
    std::vector<std::string> hosts;    ///< host of each rank
    std::int64_t devices_per_core = 1; ///< the largest RankInfo::devices_per_core
};

/// Called by rank 0. Receives the information of all other ranks. Throws EnvironmentError if a rank
/// runs another version of the program, and StuckError if nothing arrives from a rank within the
/// time limits of comm::Transport::Options.
[[nodiscard]] FleetInfo receive_rank_infos(comm::Transport& transport);

/// Called by every other rank. Sends the information to rank 0.
void send_rank_info(comm::Transport& transport);

} // namespace headroom::cli
