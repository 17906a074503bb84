#include "cli/launch/roll_call.hpp"

#include <algorithm>
#include <cstdlib>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/launch/network_hint.hpp"
#include "cli/terminal/version.hpp"
#include "runtime/messages/wire.hpp"
#include "runtime/setup/places.hpp"

namespace headroom::cli {

namespace {

constexpr comm::Waiting kRollCall{"the roll call", -1, -1, -1};

/// srun does not say how many ranks are here: then all may be.
std::int64_t ranks_here(std::size_t ranks) {
    const char* const said = std::getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
    return said != nullptr ? std::strtoll(said, nullptr, 10) : static_cast<std::int64_t>(ranks);
}

/// Program and host come first in every version; the rest is known of our own only.
Present hear(comm::Transport& transport, std::size_t device, const Present& own) {
    const auto bytes = transport.receive_any_size(DeviceId(device), comm::Tag::setup, kRollCall);
    runtime::ByteReader reader(bytes);
    Present present;
    present.program = reader.get_text();
    present.host = reader.get_text();
    if (present.program == own.program) {
        present.devices_per_core = reader.get<std::int64_t>();
    }
    return present;
}

/// Here it shows that computers cannot reach each other: these are the first messages.
Present hear_or_hint(
    comm::Transport& transport,
    std::size_t device,
    const Present& own,
    const std::vector<std::string>& hosts
) {
    try {
        return hear(transport, device, own);
    } catch (const StuckError& error) {
        throw StuckError(error.what() + network_hint(hosts));
    }
}

} // namespace

std::string host_name() {
    char name[256] = {};
    return gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

Present myself(std::size_t ranks) {
    const std::int64_t cores = std::max(1U, std::thread::hardware_concurrency());
    return {
        fmt::format("headroom {} ({})", HEADROOM_VERSION, HEADROOM_COMMIT),
        host_name(),
        (ranks_here(ranks) + cores - 1) / cores,
    };
}

Roll call_roll(comm::Transport& transport) {
    const Present own = myself(transport.size());
    Roll roll{{own.host}, own.devices_per_core};
    runtime::DeviceList others;
    std::string other;
    for (std::size_t d = 1; d < transport.size(); ++d) {
        const Present present = hear_or_hint(transport, d, own, roll.hosts);
        roll.hosts.push_back(present.host);
        roll.devices_per_core = std::max(roll.devices_per_core, present.devices_per_core);
        if (present.program != own.program) {
            others.push_back(d);
            other = present.program;
        }
    }
    if (!others.empty()) {
        throw EnvironmentError(fmt::format(
            "{} runs {}, but device 0 runs {}: install the same program on all hosts",
            runtime::places_text(roll.hosts, others),
            other,
            own.program
        ));
    }
    return roll;
}

void answer_roll(comm::Transport& transport) {
    const Present own = myself(transport.size());
    transport.send(
        DeviceId(0),
        comm::Tag::setup,
        runtime::ByteWriter()
            .put_text(own.program)
            .put_text(own.host)
            .put(own.devices_per_core)
            .take(),
        kRollCall
    );
}

} // namespace headroom::cli
