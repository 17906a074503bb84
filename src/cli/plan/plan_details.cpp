#include "cli/plan/plan_details.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include <fmt/format.h>

#include "cli/terminal/text_table.hpp"

namespace headroom::cli {

namespace {

using runtime::CriticalPart;
using runtime::DevicePlan;
using runtime::PolicyPlan;

/// Numbers of rows that are shown without --full.
constexpr std::size_t kDevicesShown = 16;
constexpr std::size_t kPartsShown = 3;

constexpr const char* kColumns =
    "  a token's time on each device: compute and memory, what limits an operation;\n"
    "  overhead, of operations and messages; transfer and latency, of messages to it;\n"
    "  wait, for others to send; idle, done. holds back: its part of the longest\n"
    "  chain, which a faster device or link shortens\n";

/// Returns the devices in the fleet's order. If they are too many to be shown, those that are busy
/// longest come first.
std::vector<std::size_t> display_order(const PolicyPlan& plan, const PlanView& view) {
    std::vector<std::size_t> order(plan.devices.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    if (!view.full) {
        std::erase_if(order, [&](std::size_t d) { return plan.devices[d].blocks == 0; });
        if (order.size() > kDevicesShown && plan.share) {
            std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
                return plan.share->devices[a].busy() > plan.share->devices[b].busy();
            });
        }
    }
    return order;
}

std::vector<std::string> device_row(
    const PolicyPlan& plan, const scheduler::Fleet& fleet, std::size_t d
) {
    const DevicePlan& device = plan.devices[d];
    std::vector<std::string> row{
        fleet.devices[d].name,
        fmt::format("{}", device.blocks),
        format_bytes(device.resident),
        format_bytes(device.buffers),
        format_bytes(device.budget),
        percent(device.held(), device.budget),
    };
    if (!plan.share) {
        row.insert(row.end(), 8, "-");
        return row;
    }
    const runtime::TimeParts& parts = plan.share->devices[d];
    for (const Nanoseconds part :
         {parts.compute,
          parts.memory,
          parts.overhead,
          parts.transfer,
          parts.latency,
          parts.wait,
          parts.idle,
          time_held_back(plan, d)}) {
        row.push_back(percent(part, plan.decision.inference));
    }
    return row;
}

std::string omitted_devices_text(const PolicyPlan& plan, std::size_t shown) {
    const auto with_blocks = static_cast<std::size_t>(
        std::ranges::count_if(plan.devices, [](const DevicePlan& d) { return d.blocks > 0; })
    );
    const std::size_t without = plan.devices.size() - with_blocks;
    if (shown < with_blocks) {
        return fmt::format(
            "  and {} more that hold blocks and are less busy, and {} without blocks; --full lists "
            "all, and --json\n",
            with_blocks - shown,
            without
        );
    }
    return without > 0 && shown == with_blocks
               ? fmt::format("  and {} without blocks; --full lists all, and --json\n", without)
               : "";
}

std::string location_of(const CriticalPart& part, const scheduler::Fleet& fleet) {
    const auto name = [&](DeviceId d) { return fleet.devices[d.index()].name; };
    return part.on_device() ? name(part.from)
                            : fmt::format("{} -> {}", name(part.from), name(part.to));
}

std::string critical_text(const PolicyPlan& plan, const scheduler::Fleet& fleet) {
    if (!plan.share) {
        return "  a step never ends: a rate stays 0\n";
    }
    const auto share_of = [&plan](Nanoseconds runtime::TimeParts::*member) {
        Nanoseconds time = 0;
        for (const CriticalPart& part : plan.share->critical) {
            time += part.parts.*member;
        }
        return percent(time, plan.decision.inference);
    };
    std::string text = fmt::format(
        "  of a token's time {} is compute, {} memory, {} overhead, {} transfer and {} latency; "
        "most of it:",
        share_of(&runtime::TimeParts::compute),
        share_of(&runtime::TimeParts::memory),
        share_of(&runtime::TimeParts::overhead),
        share_of(&runtime::TimeParts::transfer),
        share_of(&runtime::TimeParts::latency)
    );
    for (std::size_t i = 0; i < std::min(kPartsShown, plan.share->critical.size()); ++i) {
        const CriticalPart& part = plan.share->critical[i];
        text += fmt::format(
            "{} {} {}", i == 0 ? "" : ",", location_of(part, fleet), format_duration(part.time())
        );
    }
    return text + "\n";
}

} // namespace

Nanoseconds time_held_back(const PolicyPlan& plan, std::size_t d) {
    Nanoseconds time = 0;
    for (const CriticalPart& part : plan.share->critical) {
        time += part.from.index() == d ? part.time() : 0;
    }
    return time;
}

std::string device_details(
    const PolicyPlan& plan, const scheduler::Fleet& fleet, const PlanView& view, bool explained
) {
    TextTable table(
        {"device",
         {"blocks", 2},
         {"weights, cache", 3},
         {"buffers", 4},
         "budget",
         "used",
         "compute",
         {"memory", 1},
         {"overhead", 1},
         "transfer",
         {"latency", 1},
         "wait",
         {"idle", 1},
         "holds back"}
    );
    const std::vector<std::size_t> order = display_order(plan, view);
    const std::size_t shown = view.full ? order.size() : std::min(kDevicesShown, order.size());
    for (std::size_t i = 0; i < shown; ++i) {
        table.add(device_row(plan, fleet, order[i]));
    }
    return table.text(view.width) + omitted_devices_text(plan, shown) + critical_text(plan, fleet) +
           (explained ? kColumns : "");
}

} // namespace headroom::cli
