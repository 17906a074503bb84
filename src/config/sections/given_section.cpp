// The keys `placement` and `layers` of [controller]: a placement by hand, for policy `given`.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/sections/sections.hpp"
#include "config/toml/input.hpp"
#include "config/toml/toml_text.hpp"
#include "config/toml/written_plan.hpp"

namespace headroom::config {

namespace {

constexpr std::string_view kExpectedPlan = "expected what headroom plan --policy P --json printed";

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n";
    const std::size_t begin = text.find_first_not_of(kBlank);
    return begin == std::string_view::npos
               ? std::string_view()
               : text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin);
}

/// Reads a text such as "embed, L0-L11, L12.g0-L12.g3": the blocks of one device.
void read_ranges(
    const TomlEntry& entry,
    DeviceId device,
    std::vector<scheduler::GivenRange>& ranges,
    Problems& problems
) {
    const std::optional<std::string> text = read_text(entry, problems);
    if (!text || trimmed(*text).empty()) {
        return;
    }
    for (std::size_t begin = 0; begin <= text->size();) {
        const std::size_t end = std::min(text->find(',', begin), text->size());
        const std::string_view item = trimmed(std::string_view(*text).substr(begin, end - begin));
        const std::size_t dash = std::min(item.find('-'), item.size());
        const std::string first(trimmed(item.substr(0, dash)));
        const std::string last(dash == item.size() ? first : trimmed(item.substr(dash + 1)));
        if (first.empty() || last.empty()) {
            add_mismatch(
                entry, "blocks or ranges with commas between, such as \"embed, L0-L11\"", problems
            );
            return;
        }
        ranges.push_back({device, first, last});
        begin = end + 1;
    }
}

/// Reads { device = "blocks", … }.
void read_devices_of(
    const TomlEntry& entry,
    const DeviceNames& names,
    scheduler::GivenPlacement& given,
    Problems& problems
) {
    const std::size_t before = problems.size();
    for (auto&& [key, value] : *entry.node->as_table()) {
        const TomlEntry one{&value, fmt::format("{}.{}", entry.key, toml_key(key.str()))};
        if (const auto device = names.find_name(key.str())) {
            read_ranges(one, *device, given.ranges, problems);
        } else if (names.size() > 0) { // else read_devices has reported that there are none
            const auto text = fmt::format("names no device; {}", names.suggestion_for(key.str()));
            add_problem(one, text, problems);
        }
    }
    if (given.ranges.empty() && problems.size() == before) {
        const std::string_view text = "has no blocks; give every device its own, such as "
                                      "{ phone = \"L0-L11\", tablet = \"L12-L21\" }";
        add_problem(entry, text, problems);
    }
    std::ranges::stable_sort(given.ranges, {}, &scheduler::GivenRange::device);
    if (problems.size() > before) {
        given = {};
    }
}

/// Returns what is wrong with the lists of a plan, or "".
std::string list_problem(const WrittenPlan& plan, const DeviceNames& names) {
    if (plan.placement.size() != plan.blocks.size() || plan.blocks.empty()) {
        return fmt::format(
            "places {} blocks but names {}, expected a device for every block; make it anew",
            plan.placement.size(),
            plan.blocks.size()
        );
    }
    const std::int32_t last = *std::ranges::max_element(plan.placement);
    if (static_cast<std::size_t>(last) >= plan.devices.size()) {
        return fmt::format(
            "has a block on device {} but names {} devices, expected an index below; make it anew",
            last,
            plan.devices.size()
        );
    }
    std::vector<std::string> unknown;
    for (const std::int32_t used : std::set(plan.placement.begin(), plan.placement.end())) {
        const std::string& name = plan.devices[static_cast<std::size_t>(used)];
        if (!names.find_name(name)) {
            unknown.push_back(name);
        }
    }
    return unknown.empty() ? ""
                           : fmt::format(
                                 "has blocks on {}, which the fleet lacks; {}; make it anew with "
                                 "this fleet, or name its devices so",
                                 shortened_list(unknown),
                                 names.suggestion_for(unknown.front())
                             );
}

/// Reads what `headroom plan --json` printed.
void read_file(
    const TomlEntry& entry,
    const std::filesystem::path& folder,
    const DeviceNames& names,
    scheduler::GivenPlacement& given,
    Scenario& scenario,
    Problems& problems
) {
    const std::string written = *entry.node->value<std::string>();
    const auto fail = [&](std::string_view problem) {
        add_problem(entry, fmt::format("= {} {}", toml_string(written), problem), problems);
    };
    if (written.empty()) {
        fail(fmt::format("names no file, {}", kExpectedPlan));
        return;
    }
    if (names.size() == 0) {
        return; // read_devices has reported that there are no devices
    }
    const auto path =
        is_standard_input(written) ? std::filesystem::path(written) : folder / written;
    Input input = read_input(path, "the placement");
    if (input.error_number != 0) {
        const std::string why = std::strerror(input.error_number);
        fail(fmt::format("cannot be read: {}: {}; {}", input_name(path), why, kExpectedPlan));
        return;
    }
    const WrittenPlan plan = read_written_plan(input.text, kExpectedPlan);
    const std::string problem = plan.problem.empty() ? list_problem(plan, names) : plan.problem;
    if (!problem.empty()) {
        fail(problem);
        return;
    }
    scheduler::Placement placement;
    placement.reserve(plan.placement.size());
    for (const std::int32_t device : plan.placement) {
        placement.push_back(*names.find_name(plan.devices[static_cast<std::size_t>(device)]));
    }
    given.ranges = scheduler::given_ranges(plan.blocks, placement);
    given.made_for = plan.blocks;
    scenario.input_files.insert_or_assign(written, std::move(input.text));
}

void read_layers(
    const TomlEntry& entry,
    std::size_t devices,
    scheduler::GivenPlacement& given,
    Problems& problems
) {
    const std::vector<TomlEntry> elements = elements_of(entry);
    if (elements.empty()) {
        add_mismatch(entry, "a number of layers for each device, such as [12, 8, 2]", problems);
        return;
    }
    const std::size_t before = problems.size();
    std::vector<std::int64_t> layers;
    layers.reserve(elements.size());
    for (const TomlEntry& element : elements) {
        layers.push_back(read_integer(element, 0, kMaxCount, problems).value_or(0));
    }
    if (devices > 0 && layers.size() > devices) {
        const auto text = fmt::format(
            "has {} numbers, expected at most one for each of {}; leave the others out",
            layers.size(),
            count_text(devices, "device")
        );
        add_problem(entry, text, problems);
    }
    if (problems.size() == before) {
        given.layers = std::move(layers);
    }
}

} // namespace

void read_given(
    TableReader& table,
    const std::filesystem::path& folder,
    Scenario& scenario,
    scheduler::GivenPlacement& given
) {
    const auto placement = table.find("placement");
    const auto layers = table.find("layers");
    Problems& problems = table.problems();
    const DeviceNames names(scenario.declared.devices);
    if (placement && layers) {
        add_problem(*layers, "and placement exclude each other; give one of them", problems);
    }
    if (placement && placement->node->is_table()) {
        read_devices_of(*placement, names, given, problems);
    } else if (placement && placement->node->is_string()) {
        read_file(*placement, folder, names, given, scenario, problems);
    } else if (placement) {
        const std::string_view expected =
            "the path of a file that headroom plan --policy P --json wrote, or a table such as "
            "{ phone = \"L0-L11\", tablet = \"L12-L21\" }";
        add_mismatch(*placement, expected, problems);
    }
    if (layers) {
        read_layers(*layers, names.size(), given, problems);
    }
}

std::string given_text(const scheduler::GivenPlacement& given, const FleetConfig& fleet) {
    std::vector<std::string> parts;
    for (auto range = given.ranges.begin(); range != given.ranges.end();) {
        const DeviceId device = range->device;
        std::vector<std::string> blocks;
        for (; range != given.ranges.end() && range->device == device; ++range) {
            blocks.push_back(
                range->first == range->last ? range->first
                                            : fmt::format("{}-{}", range->first, range->last)
            );
        }
        parts.push_back(fmt::format(
            "{} = {}",
            toml_key(fleet.devices[device.index()].name),
            toml_string(fmt::format("{}", fmt::join(blocks, ", ")))
        ));
    }
    return parts.empty() ? "" : fmt::format("{{ {} }}", fmt::join(parts, ", "));
}

} // namespace headroom::config
