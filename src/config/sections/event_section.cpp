// [[event]]: changes of devices and links during a run.
#include <algorithm>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "config/scenario/event_kinds.hpp"
#include "config/sections/keys.hpp"
#include "config/sections/sections.hpp"

namespace headroom::config {

namespace {

void check_time(TableReader& table) {
    const auto at = table.find("at");
    const auto at_token = table.find("at_token");
    if (at && at_token) {
        add_problem(*at_token, "and at exclude each other; give one of them", table.problems());
    } else if (!at && !at_token) {
        table.report_missing("at", "give at = \"3 s\" or at_token = 40");
    }
}

void read_link_ends(TableReader& table, const DeviceNames& names, Event& event) {
    const auto entry = table.find("link");
    if (!entry) {
        return;
    }
    Problems& problems = table.problems();
    const std::vector<TomlEntry> ends = elements_of(*entry);
    if (ends.size() != 2) {
        add_mismatch(*entry, "two devices, for example [\"a\", \"b\"]", problems);
        return;
    }
    const auto from = names.find_device(ends[0], problems);
    const auto to = names.find_device(ends[1], problems);
    if (!from || !to) {
        return;
    }
    if (*from == *to) {
        add_problem(*entry, "joins a device with itself", problems);
        return;
    }
    event.from = *from;
    event.to = *to;
}

/// Reads the device or the link. Returns whether the table has exactly one of the two keys.
bool read_target(TableReader& table, const DeviceNames& names, Event& event) {
    const auto device = table.find("device");
    const auto link = table.find("link");
    if (device && link) {
        add_problem(*link, "and device exclude each other; give one of them", table.problems());
        return false;
    }
    if (!device && !link) {
        table.report_missing("device", "give device = \"a\" or link = [\"a\", \"b\"]");
        return false;
    }
    if (device) {
        event.device = names.find_device(*device, table.problems()).value_or(DeviceId());
    }
    read_link_ends(table, names, event);
    return true;
}

void check_kind(TableReader& table, const Event& event, const std::vector<DeviceConfig>& devices) {
    const TomlEntry kind = *table.find("kind");
    const bool is_of_link = event.kind->of_link != nullptr;
    const std::string_view name = event.kind->name;
    if (is_of_link != table.find("link").has_value()) {
        const auto text = fmt::format("= \"{}\" needs a {}", name, is_of_link ? "link" : "device");
        add_problem(kind, text, table.problems());
        return;
    }
    if (!event.device.valid()) {
        return;
    }
    const DeviceConfig& device = devices[event.device.index()];
    if (event.kind->is_absent != nullptr && event.kind->is_absent(device)) {
        const auto text = fmt::format("= \"{}\", but {} has none to change", name, device.name);
        add_problem(kind, text, table.problems());
    }
}

std::string billionths(std::int64_t parts) {
    return fmt::format("{}", static_cast<double>(parts) / 1e9);
}

std::string described(const Event& event, const std::vector<DeviceConfig>& devices) {
    const auto name = [&](DeviceId d) -> const std::string& { return devices[d.index()].name; };
    return fmt::format(
        "{}: {} x {} from {}",
        event.device.valid() ? name(event.device)
                             : fmt::format("{} - {}", name(event.from), name(event.to)),
        event.kind->name,
        billionths(event.factor),
        event.at >= 0 ? billionths(event.at) + " s" : fmt::format("token {}", event.at_token)
    );
}

/// Returns the moment and the target of an event. Two events must differ in them, because at one
/// moment a property can have only one factor.
auto identity(const Event& event) {
    return std::tuple(
        event.at,
        event.at_token,
        event.device,
        std::min(event.from, event.to),
        std::max(event.from, event.to),
        event.kind
    );
}

} // namespace

std::vector<Event> read_events(
    TableReader& root, const DeviceNames& names, const std::vector<DeviceConfig>& devices
) {
    std::vector<Event> events;
    std::set<decltype(identity(Event()))> seen;
    for (TableReader& table : root.tables("event", "[[event]]")) {
        Event event;
        read_keys(table, kEventKeys, event);
        check_time(table);
        const bool target = read_target(table, names, event);
        const std::optional<std::size_t> kind =
            table.word("kind", kEventKindNames, kPlannedEventKinds);
        const auto factor = table.find("factor");
        table.require("kind", "give \"compute\", \"bandwidth\" or the like");
        if (factor) {
            const auto value = read_number(*factor, 0, kMaxFactor, Zero::allowed, table.problems());
            event.factor = to_ppb(value.value_or(1));
        }
        if (kind) {
            event.kind = &kEventKinds[*kind];
            if (target) {
                check_kind(table, event, devices);
            }
            table.require("factor", "give the part of the original value that is left");
        }
        table.finish();
        const bool placed = event.device.valid() || event.from.valid();
        const bool timed = event.at >= 0 || event.at_token >= 0;
        if (kind && placed && timed && !seen.insert(identity(event)).second) {
            table.add_table_problem(
                table.key_path("kind") + " repeats an earlier event at the same moment"
            );
        }
        if (placed && kind) {
            event.text = described(event, devices);
        }
        events.push_back(std::move(event));
    }
    return events;
}

} // namespace headroom::config
