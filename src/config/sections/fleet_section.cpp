// [[device]], and the scales of [fleet].
#include <algorithm>

#include <fmt/format.h>

#include "config/sections/keys.hpp"
#include "config/sections/sections.hpp"

namespace headroom::config {

namespace {

constexpr std::size_t kLongestName = 64;
constexpr std::string_view kUsableName = "a name of 1 to 64 bytes without control characters";

/// Returns whether a name can be shown in tables and given on command lines.
bool is_usable_name(std::string_view name) {
    const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
        return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F;
    });
    return plain && !name.empty() && name.size() <= kLongestName;
}

std::vector<TypeRatesConfig> rates_of(const DeviceProfile& profile) {
    std::vector<TypeRatesConfig> all;
    for (const ProfileRates& rates : profile.rates) {
        all.push_back(
            {rates.type,
             value_of(rates.compute),
             value_of(rates.memory_bandwidth),
             value_of(rates.prefill_compute)}
        );
    }
    return all;
}

/// Sets the rates and sizes of the device's profile, if it names one. Returns whether it does.
bool use_profile(TableReader& table, DeviceConfig& device) {
    const DeviceProfile* const profile = table.catalogue_entry("profile", device_profiles());
    if (profile == nullptr) {
        return false;
    }
    device.profile = profile->name;
    device.compute = profile->compute.value;
    device.memory = profile->memory;
    device.memory_bandwidth = profile->memory_bandwidth.value;
    if (profile->storage_bandwidth) {
        device.storage_bandwidth = profile->storage_bandwidth->value;
    }
    device.rates = rates_of(*profile);
    device.operation_overhead = value_of(profile->operation_overhead).value_or(0);
    device.message_overhead = value_of(profile->message_overhead).value_or(0);
    return true;
}

/// Reads from_profile, which a resolved scenario has instead of `profile`. It needs no entry in the
/// catalogue, because a resolved scenario contains the profile's values.
void read_origin(TableReader& table, DeviceConfig& device) {
    if (const auto entry = table.find("from_profile")) {
        device.profile = table.text("from_profile").value_or("");
        if (table.find("profile")) {
            const std::string_view text = "and profile exclude each other; give one of them";
            add_problem(*entry, text, table.problems());
        } else if (!is_usable_name(device.profile)) {
            add_mismatch(*entry, kUsableName, table.problems());
        }
    }
}

DeviceConfig read_device(TableReader& table, const ScaleConfig& scales) {
    DeviceConfig device;
    const bool has_profile = use_profile(table, device);
    read_keys(table, kDeviceKeys, device, {scales, has_profile ? "profile" : ""});
    read_type_rates(table, scales, device);
    if (!table.find("profile")) {
        const auto hint_of = [](Quantity quantity) {
            return fmt::format("give a value such as {}, or a profile", example_of(quantity));
        };
        table.require("compute", hint_of(Quantity::compute_rate));
        table.require("memory", hint_of(Quantity::bytes));
    }
    read_origin(table, device);
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
            if (const auto entry = table.find("name")) {
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

void check_scaled(
    TableReader& table,
    std::string_view key,
    std::int64_t value,
    Zero zero,
    scheduler::Ratio scale,
    std::string_view catalogue_key
) {
    const auto written = table.find(key);
    if (value == kUnlimited || (!written && catalogue_key.empty())) {
        return;
    }
    const TomlEntry entry = written ? *written : *table.find(catalogue_key);
    const std::string what = written ? "" : fmt::format("gives a {} that ", key);
    const auto result = scaled(value, scale);
    if (!result) {
        add_problem(entry, what + "is above 1e18 after its scale in [fleet]", table.problems());
    } else if (*result == 0 && zero == Zero::refused) {
        const auto text = what + "is rounded down to 0 by its scale in [fleet]";
        add_problem(entry, text, table.problems());
    }
}

std::optional<double> read_scale(TableReader& table, std::string_view key) {
    const TomlEntry entry = *table.find(key);
    const double value = entry.node->is_number() ? entry.node->value<double>().value_or(0) : 0;
    if (decimal_ratio(value)) {
        return value;
    }
    return add_mismatch(
        entry,
        "a decimal number above 0 whose fraction in lowest terms has no part above 1e12",
        table.problems()
    );
}

void read_devices(TableReader& root, FleetConfig& fleet) {
    auto tables = root.tables("device", "[[device]]");
    const auto entry = root.find("device");
    if (!entry || (entry->node->is_array() && elements_of(*entry).empty())) {
        root.report_missing("device", "give at least one [[device]] with compute and memory");
    }
    DeviceList list(fleet);
    for (TableReader& table : tables) {
        const auto limit = static_cast<std::int64_t>(kMaxDevices);
        const std::int64_t count = table.integer("count", 1, limit).value_or(1);
        list.add(table, read_device(table, fleet.scales), count);
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
        return add_mismatch(entry, expected, problems);
    }
    const auto name = entry.node->value<std::string_view>();
    if (!name) {
        return add_mismatch(entry, "a device's name or index", problems);
    }
    if (const auto found = find_name(*name)) {
        return found;
    }
    return add_problem(
        entry,
        fmt::format("names no device: {}; {}", found_text(*entry.node), suggestion_for(*name)),
        problems
    );
}

std::optional<DeviceId> DeviceNames::find_name(std::string_view name) const {
    const auto found = ids_.find(name);
    return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

std::string DeviceNames::suggestion_for(std::string_view name) const {
    return suggestion(name, names_, "there are " + shortened_list(names_));
}

} // namespace headroom::config
