#include "runtime/memory/overload.hpp"

#include <fmt/format.h>

namespace headroom::runtime {

bool may_page(config::OverloadMode overload, const scheduler::DeviceSpec& device) {
    return overload != config::OverloadMode::fail && device.has_storage;
}

InfeasibleError over_budget_error(
    DeviceId device, const std::string& name, Bytes held, Bytes over, Nanoseconds at
) {
    return InfeasibleError(
        fmt::format(
            "device {} ({}) holds {} but has only {} at {} of virtual time, and it may not page; "
            "give it more memory, or let it page (a storage_bandwidth, and controller.overload not "
            "\"fail\")",
            device.value,
            name,
            format_bytes(held),
            format_bytes(held - over),
            format_duration(at)
        ),
        {{"device", name}, {"needs_bytes", held}, {"has_bytes", held - over}, {"at_ns", at}}
    );
}

} // namespace headroom::runtime
