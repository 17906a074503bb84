#include "config/sections/catalogue.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "config/scenario/weight_mixture.hpp"
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

std::string quoted_list(Words words) {
    return fmt::format("\"{}\"", fmt::join(words, "\", \""));
}

/// Reads the keys `fitted_with` and `note`. A fitted figure must say from what it was fitted.
void read_remarks(TableReader& table, SourcedFigure& figure) {
    if (table.find("note")) {
        figure.note = required_text(table, "note");
    }
    const auto entry = table.find("fitted_with");
    if (figure.origin == Origin::fitted) {
        figure.fitted_with = required_text(table, "fitted_with");
    } else if (entry) {
        add_problem(*entry, "is only for kind = \"fitted\"", table.problems());
    }
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
    table->require("kind", "give one of " + quoted_list(kWords<Origin>));
    figure.origin = table->choice<Origin>("kind").value_or(figure.origin);
    figure.how = required_text(*table, "how");
    figure.source = required_text(*table, "source");
    read_remarks(*table, figure);
    table->finish();
    return figure;
}

/// Reads a figure that may be absent.
std::optional<SourcedFigure> read_optional_figure(
    TableReader& parent, std::string_view key, Quantity quantity
) {
    return parent.find(key) ? std::optional(read_figure(parent, key, quantity)) : std::nullopt;
}

/// Reads the tables of rates by weight type: [NAME.rates.q4_0].
std::vector<ProfileRates> read_profile_rates(TableReader& device) {
    std::vector<ProfileRates> all;
    auto tables = device.table("rates", fmt::format("[{}]", device.key_path("rates")));
    if (!tables) {
        return all;
    }
    for (const WeightType type : kWeightTypes) {
        const std::string_view name = name_of(type);
        auto table = tables->table(name, fmt::format("[{}]", tables->key_path(name)));
        if (!table) {
            continue;
        }
        all.push_back(
            {type,
             read_optional_figure(*table, "compute", Quantity::compute_rate),
             read_optional_figure(*table, "memory_bandwidth", Quantity::byte_rate),
             read_optional_figure(*table, "prefill_compute", Quantity::compute_rate)}
        );
        const ProfileRates& rates = all.back();
        if (!rates.compute && !rates.memory_bandwidth && !rates.prefill_compute) {
            table->report_missing("compute", "give at least one rate");
        }
        table->finish();
    }
    tables->finish();
    return all;
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
    profile.rates = read_profile_rates(table);
    profile.operation_overhead =
        read_optional_figure(table, "operation_overhead", Quantity::duration);
    profile.message_overhead = read_optional_figure(table, "message_overhead", Quantity::duration);
    for (const auto* const overhead : {&profile.operation_overhead, &profile.message_overhead}) {
        if (value_of(*overhead).value_or(0) > kSecond) {
            table.add_table_problem(fmt::format("{} has an overhead above 1 s", name));
        }
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

/// Reads the key `size` of a model: what a file with its weights takes.
std::optional<PublishedSize> read_published_size(TableReader& model) {
    auto table = model.table("size", "size = { weights, bytes, source }");
    if (!table) {
        return std::nullopt;
    }
    PublishedSize size;
    table->require("weights", "give a weight_type");
    const auto index = table->word("weights", weight_choice_names(), {});
    size.weights = weight_choice_names()[index.value_or(0)];
    table->require("bytes", "give a number");
    size.bytes = table->integer("bytes", 1, std::int64_t{1} << 50).value_or(1);
    size.source = required_text(*table, "source");
    table->finish();
    return size;
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
        preset.nic = read_optional_figure(table, "nic", Quantity::byte_rate);
        preset.medium = read_optional_figure(table, "medium", Quantity::byte_rate);
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
        preset.fused_qkv = table.flag("fused_qkv").value_or(false);
        preset.size = read_published_size(table);
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
