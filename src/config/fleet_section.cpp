// [fleet] and [[device]].
#include <algorithm>

#include <fmt/format.h>

#include "config/sections.hpp"

namespace headroom::config {

namespace {

constexpr std::size_t kLongestName = 64;

scheduler::Ratio read_scale(TableReader& table, std::string_view key, double& written) {
    const auto site = table.find(key);
    if (!site) {
        return {};
    }
    const double value = site->node->is_number() ? site->node->value<double>().value_or(0) : 0;
    const auto ratio = decimal_ratio(value);
    if (!ratio) {
        add_mismatch(
            *site,
            "a decimal number above 0 whose fraction in lowest terms has no part above 1e12",
            table.problems()
        );
        return {};
    }
    written = value;
    return *ratio;
}

/// Names end up in tables and on command lines.
bool usable_name(std::string_view name) {
    const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
        return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F;
    });
    return plain && !name.empty() && name.size() <= kLongestName;
}

/// A required rate or size.
std::int64_t required(
    TableReader& table, std::string_view key, Quantity quantity, scheduler::Ratio scale
) {
    if (!table.find(key)) {
        table.missing(key, fmt::format("give a value such as {}", example_of(quantity)));
    }
    return read_scaled(table, key, quantity, Zero::refused, scale).value_or(1);
}

DeviceConfig read_device(TableReader& table, const Scales& scales) {
    const auto rate = [&](std::string_view key, scheduler::Ratio scale) {
        return read_scaled(table, key, Quantity::byte_rate, Zero::refused, scale);
    };
    DeviceConfig device;
    device.compute = required(table, "compute", Quantity::compute_rate, scales.compute);
    device.memory = required(table, "memory", Quantity::bytes, scales.memory);
    device.memory_bandwidth = rate("memory_bandwidth", scales.compute).value_or(kUnlimited);
    device.storage_bandwidth = rate("storage_bandwidth", scales.compute);
    device.egress = rate("egress", scales.bandwidth).value_or(kUnlimited);
    device.ingress = rate("ingress", scales.bandwidth).value_or(kUnlimited);
    device.load = read_load(table, "load");
    device.memory_load = read_load(table, "memory_load");
    table.planned("profile", "compute and memory, written out");
    return device;
}

/// Adds the devices of one [[device]] and remembers which table named each of them.
class DeviceList {
  public:
    explicit DeviceList(FleetConfig& fleet) : fleet_(&fleet) {}

    void add(TableReader& table, DeviceConfig device, std::int64_t count) {
        const std::optional<std::string> name = table.text("name");
        for (std::int64_t i = 1; i <= count; ++i) {
            if (fleet_->devices.size() >= kMaxDevices) {
                table.about(fmt::format("more than {} devices", kMaxDevices));
                return;
            }
            device.name = !name                 ? fmt::format("device-{}", fleet_->devices.size())
                          : table.find("count") ? fmt::format("{}-{}", *name, i)
                                                : *name;
            if (!check_name(table, device.name)) {
                return; // its siblings would only repeat the problem
            }
            fleet_->devices.push_back(device);
        }
    }

    void set_source(TableReader& table, std::int64_t count) {
        if (!table.flag("source").value_or(false)) {
            return;
        }
        const Site site = *table.find("source");
        if (count != 1) {
            add_about(site, "= true needs count = 1: only one device is it", table.problems());
        } else if (have_source_) {
            const auto text =
                fmt::format("= true a second time; {} is the source already", source_name());
            add_about(site, text, table.problems());
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
        if (!usable_name(name)) {
            const auto expected =
                fmt::format("a name of 1 to {} bytes without control characters", kLongestName);
            add_mismatch(*table.find("name"), expected, table.problems());
            return false;
        }
        const auto [known, fresh] = taken_.emplace(name, fleet_->devices.size());
        if (!fresh) {
            const auto text = fmt::format(
                "names two devices \"{}\"; device {} has that name already", name, known->second
            );
            const auto site = table.find("name");
            if (site) {
                add_about(*site, text, table.problems());
            } else {
                table.about(table.key_path("name") + " " + text);
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
    TableReader& reader, std::string_view key, Quantity quantity, Zero zero, scheduler::Ratio scale
) {
    const auto value = reader.quantity(key, quantity, zero);
    if (!value) {
        return std::nullopt;
    }
    const auto result = scaled(*value, scale);
    if (!result) {
        add_about(*reader.find(key), "is above 1e18 after its scale", reader.problems());
    } else if (*result == 0 && zero == Zero::refused) {
        const std::string_view text = "is rounded down to 0 by its scale in [fleet]";
        add_about(*reader.find(key), text, reader.problems());
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
    const auto site = root.find("device");
    const toml::array* const array = site ? site->node->as_array() : nullptr;
    if (!site || (array != nullptr && array->empty())) {
        root.about("device is missing; give at least one [[device]] with compute and memory");
    }
    DeviceList list(fleet);
    for (TableReader& table : tables) {
        const auto most = static_cast<std::int64_t>(kMaxDevices);
        const std::int64_t count = table.integer("count", 1, most).value_or(1);
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

std::optional<DeviceId> DeviceNames::read(const Site& site, Problems& problems) const {
    if (const auto* const index = site.node->as_integer()) {
        if (index->get() >= 0 && index->get() < static_cast<std::int64_t>(names_.size())) {
            return DeviceId(static_cast<std::size_t>(index->get()));
        }
        const auto expected = fmt::format("a device's name or index below {}", names_.size());
        add_mismatch(site, expected, problems);
        return std::nullopt;
    }
    const auto name = site.node->value<std::string_view>();
    if (!name) {
        add_mismatch(site, "a device's name or index", problems);
        return std::nullopt;
    }
    if (const auto found = ids_.find(*name); found != ids_.end()) {
        return found->second;
    }
    const std::string_view near = nearest_word(*name, names_);
    const auto text = fmt::format(
        "names no device: {}{}",
        found_text(*site.node),
        near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)
    );
    add_about(site, text, problems);
    return std::nullopt;
}

} // namespace headroom::config
