#include "runtime/memory/never.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace headroom::runtime {

std::string never_ends_because(
    std::initializer_list<const scheduler::Profile*> rates, Nanoseconds start, std::int64_t tokens
) {
    const bool stays_0 = start < scheduler::kHorizon &&
                         std::any_of(rates.begin(), rates.end(), [&](const auto* rate) {
                             return scheduler::finish(*rate, start, 1, tokens) == kNever;
                         });
    if (stays_0) {
        return "stays 0, expected it to rise again";
    }
    constexpr Nanoseconds kDay = 24 * 3600 * kSecond;
    return fmt::format(
        "is too low for what a run may take: a year of virtual time ({} days) in all, and for one "
        "operation or message {} draws of a random load; expected a higher rate, or longer periods "
        "of its load",
        scheduler::kHorizon / kDay,
        scheduler::kMaxDraws
    );
}

StuckError never_finishes(
    const scheduler::Fleet& fleet,
    const scheduler::OpRecord& operation,
    const BlockName& block,
    std::int64_t tokens
) {
    const scheduler::DeviceSpec& device = fleet.devices[operation.device.index()];
    return StuckError(
        fmt::format(
            "device {} ({}) never finishes {} of turn {}: its rate {}; change the device's load or "
            "events in the scenario",
            operation.device.value,
            device.name,
            to_string(block),
            operation.turn,
            never_ends_because({&device.compute, &device.memory_bandwidth}, operation.start, tokens)
        ),
        {{"device", device.name}, {"block", to_string(block)}, {"turn", operation.turn}}
    );
}

StuckError never_arrives(
    const scheduler::Fleet& fleet, const scheduler::MessageRecord& message, std::int64_t tokens
) {
    const scheduler::DeviceSpec& from = fleet.devices[message.from.index()];
    return StuckError(
        fmt::format(
            "{} of turn {} from device {} ({}) never arrives at device {}: the link's rate {}; "
            "change the link's variation or events in the scenario",
            scheduler::name_of(message.payload),
            message.turn,
            message.from.value,
            from.name,
            message.to.value,
            never_ends_because(
                {&fleet.network.link(message.from, message.to).bandwidth,
                 &from.egress,
                 &fleet.devices[message.to.index()].ingress},
                message.begin,
                tokens
            )
        ),
        {{"device", from.name},
         {"to", fleet.devices[message.to.index()].name},
         {"turn", message.turn}}
    );
}

} // namespace headroom::runtime
