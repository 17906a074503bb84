#include "cli/roll_call.hpp"

#include <unistd.h>

#include <fmt/format.h>

#include "base/error.hpp"
#include "cli/version.hpp"
#include "runtime/places.hpp"
#include "runtime/wire.hpp"

namespace headroom::cli {

namespace {

constexpr comm::Waiting kRollCall{"the roll call", -1, -1, -1};

Present hear(comm::Transport& transport, std::size_t device) {
    const auto bytes = transport.receive_any_size(DeviceId(device), comm::Tag::setup, kRollCall);
    runtime::ByteReader reader(bytes);
    Present present;
    present.program = reader.get_text();
    present.host = reader.get_text();
    return present;
}

} // namespace

std::string host_name() {
    char name[256] = {};
    return gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

Present myself() {
    return {fmt::format("headroom {} ({})", HEADROOM_VERSION, HEADROOM_COMMIT), host_name()};
}

std::vector<std::string> call_roll(comm::Transport& transport) {
    const Present own = myself();
    std::vector<std::string> hosts{own.host};
    runtime::DeviceList others;
    std::string other;
    for (std::size_t d = 1; d < transport.size(); ++d) {
        const Present present = hear(transport, d);
        hosts.push_back(present.host);
        if (present.program != own.program) {
            others.push_back(d);
            other = present.program;
        }
    }
    if (!others.empty()) {
        throw EnvironmentError(fmt::format(
            "{} runs {}, but device 0 runs {}: install the same program on all hosts",
            runtime::places_text(hosts, others),
            other,
            own.program
        ));
    }
    return hosts;
}

void answer_roll(comm::Transport& transport) {
    const Present own = myself();
    transport.send(
        DeviceId(0),
        comm::Tag::setup,
        runtime::ByteWriter().put_text(own.program).put_text(own.host).take(),
        kRollCall
    );
}

} // namespace headroom::cli
