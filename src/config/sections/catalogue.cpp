#include "config/sections/catalogue.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "config/sections/sections.hpp"
#include "config/sections/shape_section.hpp"
#include "config/sections/table_reader.hpp"

namespace headroom::config {

namespace {

constexpr Bytes kGiB = Bytes{1} << 30;

/// Reads a text that must be present and not empty.
std::string required_text(TableReader& table, std::string_view key) {
    table.require(key, "give a text");
    const std::string text = table.text(key).value_or("-");
    if (text.empty()) {
        add_problem(*table.find(key), "is empty", table.problems());
    }
    return text;
}

SourcedFigure read_figure(TableReader& parent, std::string_view key, Quantity quantity) {
    SourcedFigure figure;
    auto table = parent.table(key, parent.key_path(key));
    if (!table) {
        parent.require(key, "give { value, kind, how, source }");
        return figure;
    }
    figure.written = required_text(*table, "value");
    figure.value = table->quantity("value", quantity, Zero::refused).value_or(1);
    table->require("kind", "give \"measured\", \"derived\" or \"limit\"");
    figure.origin = table->choice<Origin>("kind").value_or(figure.origin);
    figure.how = required_text(*table, "how");
    figure.source = required_text(*table, "source");
    table->finish();
    return figure;
}

/// Reads the memory sizes in which the device is sold. Returns at least one, also after a problem.
std::vector<Bytes> read_ram(TableReader& device) {
    std::vector<Bytes> sizes;
    auto table = device.table("ram", "ram");
    if (!table) {
        device.require("ram", "give { choices, source }");
        return {kGiB};
    }
    const auto entry = table->find("choices");
    for (const TomlEntry& element : entry ? elements_of(*entry) : std::vector<TomlEntry>()) {
        const auto size = read_quantity(element, Quantity::bytes, Zero::refused, table->problems());
        if (size && *size % kGiB != 0) {
            add_mismatch(element, "whole GiB", table->problems());
        }
        sizes.push_back(size.value_or(kGiB));
    }
    if (sizes.empty()) {
        table->report_missing("choices", "give a list of sizes");
        sizes.push_back(kGiB);
    }
    (void)required_text(*table, "source");
    table->finish();
    return sizes;
}

/// Reads one device and adds its profile and, if it has several memory sizes, one profile per size.
void read_device_profiles(
    TableReader& table, std::string_view name, std::vector<DeviceProfile>& profiles
) {
    DeviceProfile profile;
    profile.name = name;
    profile.title = required_text(table, "title");
    profile.compute = read_figure(table, "compute", Quantity::compute_rate);
    profile.memory_bandwidth = read_figure(table, "memory_bandwidth", Quantity::byte_rate);
    if (table.find("storage_bandwidth_unknown")) {
        (void)required_text(table, "storage_bandwidth_unknown");
        if (const auto entry = table.find("storage_bandwidth")) {
            const std::string_view text = "and storage_bandwidth_unknown exclude each other";
            add_problem(*entry, text, table.problems());
        }
    } else {
        profile.storage_bandwidth = read_figure(table, "storage_bandwidth", Quantity::byte_rate);
    }
    const std::vector<Bytes> sizes = read_ram(table);
    table.require("reserve", "say how much of the memory system and apps keep");
    const Bytes reserve = table.quantity("reserve", Quantity::bytes, Zero::refused).value_or(1);
    if (reserve >= *std::min_element(sizes.begin(), sizes.end())) {
        table.add_table_problem(table.key_path("reserve") + " leaves no memory for a model");
    }
    table.finish();
    const auto add = [&](std::string_view profile_name, Bytes ram) {
        profile.variant = profile_name != name;
        profile.name = profile_name;
        profile.ram = ram;
        profile.memory = ram - reserve;
        profiles.push_back(profile);
    };
    add(name, sizes.front());
    for (const Bytes size : sizes) {
        if (sizes.size() > 1) {
            add(fmt::format("{}-{}gb", name, size / kGiB), size);
        }
    }
}

/// Calls read(table, name, entries) for every table of a catalogue, in the order of the text.
template <class Entry, class Read>
std::vector<Entry> read_catalogue(std::string_view text, const std::string& file, Read read) {
    std::vector<Entry> entries;
    Problems problems(file);
    const toml::table document = parse_toml(text, problems);
    TableReader root(document, "", "the catalogue", problems);
    std::vector<std::pair<toml::source_position, std::string>> names; // in the order of the text
    for (auto&& [key, value] : document) {
        names.emplace_back(key.source().begin, key.str());
    }
    std::sort(names.begin(), names.end(), [](const auto& a, const auto& b) {
        return a.first < b.first;
    });
    for (const auto& [position, name] : names) {
        if (auto table = root.table(name, fmt::format("[{}]", name))) {
            read(*table, name, entries);
        }
    }
    problems.throw_if_any();
    return entries;
}

} // namespace

std::vector<DeviceProfile> parse_device_profiles(std::string_view text, const std::string& file) {
    return read_catalogue<DeviceProfile>(text, file, read_device_profiles);
}

std::vector<NetworkPreset> parse_network_presets(std::string_view text, const std::string& file) {
    const auto read = [](TableReader& table, std::string_view name, auto& presets) {
        NetworkPreset& preset = presets.emplace_back();
        preset.name = name;
        preset.title = required_text(table, "title");
        preset.bandwidth = read_figure(table, "bandwidth", Quantity::byte_rate);
        preset.latency = read_figure(table, "latency", Quantity::duration);
        table.finish();
    };
    return read_catalogue<NetworkPreset>(text, file, read);
}

std::vector<ModelPreset> parse_model_presets(std::string_view text, const std::string& file) {
    const auto read = [](TableReader& table, std::string_view name, auto& presets) {
        ModelPreset& preset = presets.emplace_back();
        preset.name = name;
        preset.title = required_text(table, "title");
        preset.source = required_text(table, "source");
        table.require("shape", "give { layers, heads, … }");
        preset.shape = read_shape(table).value_or(preset.shape);
        table.require("parameters", "give how many are published");
        constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
        preset.parameters = table.integer("parameters", 1, kMax).value_or(1);
        if (auto left_out = table.table("left_out", "left_out")) {
            preset.left_out = left_out->integer("parameters", 1, kMax).value_or(1);
            preset.left_out_what = required_text(*left_out, "what");
            left_out->finish();
        }
        table.finish();
    };
    return read_catalogue<ModelPreset>(text, file, read);
}

const std::vector<DeviceProfile>& device_profiles() {
    static const auto profiles = parse_device_profiles(device_profiles_text(), "data/devices.toml");
    return profiles;
}

const std::vector<NetworkPreset>& network_presets() {
    static const auto presets = parse_network_presets(network_presets_text(), "data/networks.toml");
    return presets;
}

const std::vector<ModelPreset>& model_presets() {
    static const auto presets = parse_model_presets(model_presets_text(), "data/models.toml");
    return presets;
}

} // namespace headroom::config
