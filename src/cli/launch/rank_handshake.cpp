#include "cli/launch/rank_handshake.hpp"

#include <algorithm>
#include <cstdlib>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/launch/network_hint.hpp"
#include "cli/terminal/version.hpp"
#include "runtime/setup/host_text.hpp"

namespace headroom::cli {

namespace {

constexpr comm::WaitReason kHandshake{"the handshake of the ranks", -1, -1, -1};

/// Without the variable, which srun does not set, all ranks are assumed to run on this host.
std::int64_t ranks_on_this_host(std::size_t ranks) {
    const char* const text = std::getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
    return text != nullptr ? std::strtoll(text, nullptr, 10) : static_cast<std::int64_t>(ranks);
}

/// Returns the information about this process in a job of `ranks` ranks.
RankInfo own_rank_info(std::size_t ranks) {
    const std::int64_t cores = std::max(1U, std::thread::hardware_concurrency());
    return {
        program_text(),
        host_name(),
        (ranks_on_this_host(ranks) + cores - 1) / cores,
    };
}

/// Program and host come first in all versions. The rest is read only from our own version.
RankInfo receive_rank_info(comm::Transport& transport, std::size_t device, const RankInfo& own) {
    const auto bytes = transport.receive_any_size(DeviceId(device), comm::Tag::setup, kHandshake);
    auto [program, host] = unpack_front<std::pair<std::string, std::string>>(bytes);
    if (program == own.program) {
        return unpack<RankInfo>(bytes);
    }
    return {std::move(program), std::move(host)};
}

/// Adds a network hint to a timeout: these messages are the first ones between the hosts.
RankInfo receive_or_hint(
    comm::Transport& transport,
    std::size_t device,
    const RankInfo& own,
    const std::vector<std::string>& hosts
) {
    try {
        return receive_rank_info(transport, device, own);
    } catch (const StuckError& error) {
        throw StuckError(error.what() + network_hint(hosts), error.fields());
    }
}

} // namespace

std::string program_text() {
    return fmt::format("headroom {} ({})", HEADROOM_VERSION, HEADROOM_COMMIT);
}

std::string host_name() {
    char name[256] = {};
    return gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

FleetInfo receive_rank_infos(comm::Transport& transport) {
    const RankInfo own = own_rank_info(transport.size());
    FleetInfo fleet{{own.host}, own.devices_per_core};
    runtime::DeviceList others;
    std::string other;
    for (std::size_t d = 1; d < transport.size(); ++d) {
        const RankInfo info = receive_or_hint(transport, d, own, fleet.hosts);
        fleet.hosts.push_back(info.host);
        fleet.devices_per_core = std::max(fleet.devices_per_core, info.devices_per_core);
        if (info.program != own.program) {
            others.push_back(d);
            other = info.program;
        }
    }
    if (!others.empty()) {
        throw EnvironmentError(fmt::format(
            "{} runs {}, but device 0 runs {}: install the same program on all hosts",
            runtime::fleet_text(fleet.hosts, others),
            other,
            own.program
        ));
    }
    return fleet;
}

void send_rank_info(comm::Transport& transport) {
    const RankInfo own = own_rank_info(transport.size());
    transport.send(DeviceId(0), comm::Tag::setup, pack(own), kHandshake);
}

} // namespace headroom::cli
