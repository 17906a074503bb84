#include "cli/launch/network_hint.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <bit>
#include <chrono>
#include <cstdlib>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"
#include "base/process/signal_free_thread.hpp"
#include "base/units.hpp"
#include "cli/launch/rank_handshake.hpp"
#include "cli/terminal/console.hpp"
#include "cli/terminal/job_environment.hpp"

namespace headroom::cli {

namespace {

constexpr std::chrono::milliseconds kTick{500};
/// Much longer than all ranks need to connect, even if dozens share a core.
constexpr std::chrono::seconds kWaitingForLinks{90};
constexpr std::chrono::seconds kStartPerRank{1};
/// The other ranks wait longer, so that normally only rank 0 prints the error.
constexpr std::chrono::seconds kAfterRank0{10};

/// Returns the IPv4 interfaces that may connect hosts, for example "eth0 10.0.0.7/24".
std::vector<std::string> interfaces() {
    std::vector<std::string> found;
    ifaddrs* first = nullptr;
    if (getifaddrs(&first) != 0) {
        return found;
    }
    for (const ifaddrs* one = first; one != nullptr; one = one->ifa_next) {
        const bool usable = (one->ifa_flags & IFF_UP) != 0 && (one->ifa_flags & IFF_LOOPBACK) == 0;
        if (!usable || one->ifa_addr == nullptr || one->ifa_netmask == nullptr ||
            one->ifa_addr->sa_family != AF_INET) {
            continue;
        }
        const auto* const address = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
        const auto* const mask = reinterpret_cast<const sockaddr_in*>(one->ifa_netmask);
        char text[INET_ADDRSTRLEN] = {};
        (void)inet_ntop(AF_INET, &address->sin_addr, text, sizeof text);
        found.push_back(
            fmt::format("{} {}/{}", one->ifa_name, text, std::popcount(mask->sin_addr.s_addr))
        );
    }
    freeifaddrs(first);
    return found;
}

} // namespace

std::string network_hint(const std::vector<std::string>& known_hosts) {
    std::set<std::string> hosts(known_hosts.begin(), known_hosts.end());
    hosts.insert(host_name());
    if (hosts.size() == 1 && all_ranks_on_this_host()) {
        return "";
    }
    const std::vector<std::string> own_interfaces = interfaces();
    return fmt::format(
        "\n  the ranks are on several computers (this is {}; known: {}); if messages between them "
        "get lost, as where interfaces like docker0 have the same address on all of them, name the "
        "network that joins them: OMPI_MCA_btl_tcp_if_include=NAME (interfaces here: {})",
        host_name(),
        fmt::join(hosts, ", "),
        own_interfaces.empty() ? "none" : fmt::format("{}", fmt::join(own_interfaces, ", "))
    );
}

MpiStartTimeout::MpiStartTimeout() {
    thread_ = start_thread_without_signals([this] { run(); });
}

MpiStartTimeout::~MpiStartTimeout() {
    {
        const std::lock_guard lock(state_);
        over_ = true;
    }
    end_.notify_all();
    thread_.join();
}

void MpiStartTimeout::run() {
    const auto limit = kWaitingForLinks + kStartPerRank * std::max(1, job_rank_count()) +
                       (is_rank_0() ? std::chrono::seconds(0) : kAfterRank0);
    std::chrono::milliseconds waited{};
    std::unique_lock lock(state_);
    while (!end_.wait_for(lock, kTick, [this] { return over_; })) {
        waited += kTick;
        if (waited < limit) {
            continue;
        }
        print_error(fmt::format(
            "MPI has not brought all {} ranks together in {}, expected it within seconds{}",
            job_rank_count(),
            format_duration(std::chrono::nanoseconds(waited).count()),
            network_hint({})
        ));
        std::_Exit(static_cast<int>(ExitCode::stuck));
    }
}

} // namespace headroom::cli
