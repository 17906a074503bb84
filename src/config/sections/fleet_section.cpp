// [fleet] and [[device]].
#include <algorithm>

#include <fmt/format.h>

#include "config/sections/sections.hpp"

namespace headroom::config {

namespace {

constexpr std::size_t kLongestName = 64;
constexpr std::string_view kUsableName = "a name of 1 to 64 bytes without control characters";

scheduler::Ratio read_scale(TableReader& table, std::string_view key, double& written) {
    const auto entry = table.find(key);
    if (!entry) {
        return {};
    }
    const double value = entry->node->is_number() ? entry->node->value<double>().value_or(0) : 0;
    const auto ratio = decimal_ratio(value);
    if (!ratio) {
        add_mismatch(
            *entry,
            "a decimal number above 0 whose fraction in lowest terms has no part above 1e12",
            table.problems()
        );
        return {};
    }
    written = value;
    return *ratio;
}

/// Returns whether a name can be shown in tables and given on command lines.
bool is_usable_name(std::string_view name) {
    const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
        return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F;
    });
    return plain && !name.empty() && name.size() <= kLongestName;
}

/// Reads a rate or size that is required unless the table names a profile.
std::int64_t required(
    TableReader& table,
    std::string_view key,
    Quantity quantity,
    scheduler::Ratio scale,
    std::optional<std::int64_t> of_profile
) {
    if (!table.find(key) && !table.find("profile")) {
        const auto hint =
            fmt::format("give a value such as {}, or a profile", example_of(quantity));
        table.report_missing(key, hint);
    }
    return read_scaled(table, key, quantity, Zero::refused, scale, "profile", of_profile)
        .value_or(1);
}

/// Reads the rates and sizes of a device. Those that the table does not have are the profile's.
void read_figures(TableReader& table, const Scales& scales, DeviceConfig& device) {
    const DeviceProfile* const profile = table.catalogue_entry("profile", device_profiles());
    const auto of_profile = [&](auto figure) {
        return profile == nullptr ? std::optional<std::int64_t>() : figure(*profile);
    };
    const auto compute =
        of_profile([](const DeviceProfile& p) { return std::optional(p.compute.value); });
    const auto memory = of_profile([](const DeviceProfile& p) { return std::optional(p.memory); });
    const auto memory_bandwidth =
        of_profile([](const DeviceProfile& p) { return std::optional(p.memory_bandwidth.value); });
    const auto storage_bandwidth = of_profile([](const DeviceProfile& p) {
        const std::optional<SourcedFigure>& figure = p.storage_bandwidth;
        return figure ? std::optional(figure->value) : std::nullopt;
    });
    const auto rate = [&](std::string_view key, std::optional<std::int64_t> given) {
        const Quantity quantity = Quantity::byte_rate;
        return read_scaled(table, key, quantity, Zero::refused, scales.compute, "profile", given);
    };
    device.profile = profile == nullptr ? "" : profile->name;
    device.compute = required(table, "compute", Quantity::compute_rate, scales.compute, compute);
    device.memory = required(table, "memory", Quantity::bytes, scales.memory, memory);
    device.memory_bandwidth = rate("memory_bandwidth", memory_bandwidth).value_or(kUnlimited);
    device.storage_bandwidth = rate("storage_bandwidth", storage_bandwidth);
}

/// Reads from_profile, which a resolved scenario has instead of `profile`. It needs no entry in the
/// catalogue, because a resolved scenario contains the profile's values.
void read_origin(TableReader& table, DeviceConfig& device) {
    const auto entry = table.find("from_profile");
    if (!entry) {
        return;
    }
    device.profile = table.text("from_profile").value_or("");
    if (table.find("profile")) {
        add_problem(*entry, "and profile exclude each other; give one of them", table.problems());
    } else if (!is_usable_name(device.profile)) {
        add_mismatch(*entry, kUsableName, table.problems());
    }
}

DeviceConfig read_device(TableReader& table, const Scales& scales) {
    const auto rate = [&](std::string_view key) {
        return read_scaled(table, key, Quantity::byte_rate, Zero::refused, scales.bandwidth)
            .value_or(kUnlimited);
    };
    DeviceConfig device;
    read_figures(table, scales, device);
    read_origin(table, device);
    device.egress = rate("egress");
    device.ingress = rate("ingress");
    device.load = read_load(table, "load");
    device.memory_load = read_load(table, "memory_load");
    return device;
}

/// Adds the devices of all [[device]] tables to the fleet and checks their names and the source.
class DeviceList {
  public:
    explicit DeviceList(FleetConfig& fleet) : fleet_(&fleet) {}

    void add(TableReader& table, DeviceConfig device, std::int64_t count) {
        const std::optional<std::string> name = table.text("name");
        for (std::int64_t i = 1; i <= count; ++i) {
            if (fleet_->devices.size() >= kMaxDevices) {
                table.add_table_problem(fmt::format("more than {} devices", kMaxDevices));
                return;
            }
            device.name = !name                 ? fmt::format("device-{}", fleet_->devices.size())
                          : table.find("count") ? fmt::format("{}-{}", *name, i)
                                                : *name;
            if (!check_name(table, device.name)) {
                return; // the other devices of this table would repeat the problem
            }
            fleet_->devices.push_back(device);
        }
    }

    void set_source(TableReader& table, std::int64_t count) {
        if (!table.flag("source").value_or(false)) {
            return;
        }
        const TomlEntry entry = *table.find("source");
        if (count != 1) {
            add_problem(entry, "= true needs count = 1: only one device is it", table.problems());
        } else if (have_source_) {
            const auto text =
                fmt::format("= true a second time; {} is the source already", source_name());
            add_problem(entry, text, table.problems());
        } else if (!fleet_->devices.empty()) {
            have_source_ = true;
            fleet_->source = DeviceId(fleet_->devices.size() - 1);
        }
    }

  private:
    [[nodiscard]] const std::string& source_name() const {
        return fleet_->devices[fleet_->source.index()].name;
    }

    bool check_name(TableReader& table, const std::string& name) {
        if (!is_usable_name(name)) {
            add_mismatch(*table.find("name"), kUsableName, table.problems());
            return false;
        }
        const auto [known, fresh] = taken_.emplace(name, fleet_->devices.size());
        if (!fresh) {
            const auto text = fmt::format(
                "names two devices \"{}\"; device {} has that name already", name, known->second
            );
            const auto entry = table.find("name");
            if (entry) {
                add_problem(*entry, text, table.problems());
            } else {
                table.add_table_problem(table.key_path("name") + " " + text);
            }
        }
        return fresh;
    }

    FleetConfig* fleet_;
    std::map<std::string, std::size_t> taken_;
    bool have_source_ = false;
};

} // namespace

std::optional<std::int64_t> read_scaled(
    TableReader& reader,
    std::string_view key,
    Quantity quantity,
    Zero zero,
    scheduler::Ratio scale,
    std::string_view catalogue_key,
    std::optional<std::int64_t> of_catalogue
) {
    const auto written = reader.find(key);
    const auto value = written ? reader.quantity(key, quantity, zero) : of_catalogue;
    if (!value) {
        return std::nullopt;
    }
    const TomlEntry entry = written ? *written : *reader.find(catalogue_key);
    const std::string what = written ? "" : fmt::format("gives a {} that ", key);
    const auto result = scaled(*value, scale);
    if (!result) {
        add_problem(entry, what + "is above 1e18 after its scale", reader.problems());
    } else if (*result == 0 && zero == Zero::refused) {
        const auto text = what + "is rounded down to 0 by its scale in [fleet]";
        add_problem(entry, text, reader.problems());
    }
    return value;
}

Scales read_scales(TableReader& root) {
    Scales scales;
    auto table = root.table("fleet", "[fleet]");
    if (!table) {
        return scales;
    }
    scales.compute = read_scale(*table, "compute_scale", scales.written.compute);
    scales.memory = read_scale(*table, "memory_scale", scales.written.memory);
    scales.bandwidth = read_scale(*table, "bandwidth_scale", scales.written.bandwidth);
    scales.latency = read_scale(*table, "latency_scale", scales.written.latency);
    table->finish();
    return scales;
}

void read_devices(TableReader& root, const Scales& scales, FleetConfig& fleet) {
    fleet.scales = scales.written;
    auto tables = root.tables("device", "[[device]]");
    const auto entry = root.find("device");
    const toml::array* const array = entry ? entry->node->as_array() : nullptr;
    if (!entry || (array != nullptr && array->empty())) {
        root.report_missing("device", "give at least one [[device]] with compute and memory");
    }
    DeviceList list(fleet);
    for (TableReader& table : tables) {
        const auto limit = static_cast<std::int64_t>(kMaxDevices);
        const std::int64_t count = table.integer("count", 1, limit).value_or(1);
        list.add(table, read_device(table, scales), count);
        list.set_source(table, count);
        table.finish();
    }
}

DeviceNames::DeviceNames(const std::vector<DeviceConfig>& devices) {
    for (const DeviceConfig& device : devices) {
        ids_.emplace(device.name, DeviceId(names_.size()));
        names_.push_back(device.name);
    }
}

std::optional<DeviceId> DeviceNames::find_device(const TomlEntry& entry, Problems& problems) const {
    if (names_.empty()) {
        return std::nullopt; // read_devices has reported that there are no devices
    }
    if (const auto* const index = entry.node->as_integer()) {
        if (index->get() >= 0 && index->get() < static_cast<std::int64_t>(names_.size())) {
            return DeviceId(static_cast<std::size_t>(index->get()));
        }
        const auto expected = fmt::format("a device's name or index below {}", names_.size());
        add_mismatch(entry, expected, problems);
        return std::nullopt;
    }
    const auto name = entry.node->value<std::string_view>();
    if (!name) {
        add_mismatch(entry, "a device's name or index", problems);
        return std::nullopt;
    }
    if (const auto found = ids_.find(*name); found != ids_.end()) {
        return found->second;
    }
    const std::string_view near = nearest_word(*name, names_);
    const auto text = fmt::format(
        "names no device: {}; {}",
        found_text(*entry.node),
        near.empty() ? "there are " + shortened_list(names_)
                     : fmt::format("did you mean \"{}\"?", near)
    );
    add_problem(entry, text, problems);
    return std::nullopt;
}

} // namespace headroom::config
