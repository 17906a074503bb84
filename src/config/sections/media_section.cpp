// [[network.medium]]: media that devices share.
#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/sections/keys.hpp"
#include "config/sections/sections.hpp"
#include "config/toml/toml_text.hpp"

namespace headroom::config {

namespace {

constexpr std::string_view kAll = "all";

std::vector<DeviceId> all_of(const DeviceNames& names) {
    std::vector<DeviceId> all;
    for (std::size_t d = 0; d < names.size(); ++d) {
        all.emplace_back(d);
    }
    return all;
}

/// Reads the members of the media and checks that no device is a member twice.
class Members {
  public:
    explicit Members(const DeviceNames& names) : names_(&names) {}

    std::vector<DeviceId> read(TableReader& table) {
        table.require("members", R"(give a list of devices, or "all")");
        const auto entry = table.find("members");
        if (!entry) {
            return {};
        }
        if (entry->node->value<std::string_view>() == kAll) {
            std::vector<DeviceId> all = all_of(*names_);
            std::erase_if(all, [&](DeviceId d) { return !take(d, *entry, table, false); });
            return all;
        }
        if (!entry->node->is_array()) {
            add_mismatch(*entry, R"(a list of devices, or "all")", table.problems());
            return {};
        }
        return read_list(table, *entry);
    }

  private:
    std::vector<DeviceId> read_list(TableReader& table, const TomlEntry& list) {
        std::vector<DeviceId> members;
        const std::vector<TomlEntry> elements = elements_of(list);
        if (elements.size() < 2) {
            const auto text = fmt::format(
                "has {}; a medium needs at least 2", count_text(elements.size(), "member")
            );
            add_problem(list, text, table.problems());
        }
        for (const TomlEntry& element : elements) {
            const auto device = names_->find_device(element, table.problems());
            if (device && take(*device, element, table, true)) {
                members.push_back(*device);
            }
        }
        std::ranges::sort(members);
        return members;
    }

    /// Marks the device as a member of the table's medium. Adds a problem and returns false if it
    /// is a member already. With `each` false, only the first device adds one.
    bool take(DeviceId device, const TomlEntry& entry, TableReader& table, bool each) {
        const std::string medium = table.path();
        const auto [known, fresh] = medium_of_.try_emplace(device, medium);
        if (fresh) {
            return true;
        }
        if (each || reported_ != medium) {
            const std::string where = known->second == medium
                                          ? "is a member already"
                                          : fmt::format("is a member of {} already", known->second);
            add_problem(
                entry,
                fmt::format("= {}: {} {}", found_text(*entry.node), names_->name(device), where),
                table.problems()
            );
            reported_ = medium;
        }
        return false;
    }

    const DeviceNames* names_;
    std::map<DeviceId, std::string> medium_of_;
    std::string reported_;
};

MediumConfig read_medium(
    TableReader& table, const ScaleConfig& scales, Members& members, const NetworkPreset* preset
) {
    MediumConfig medium;
    medium.members = members.read(table);
    if (preset != nullptr && preset->medium) {
        medium.capacity = preset->medium->value;
    } else {
        table.require("capacity", "give a data rate such as \"200 Mbit/s\"");
    }
    read_keys(table, kMediumKeys, medium, {scales, ""});
    table.finish();
    return medium;
}

} // namespace

std::vector<MediumConfig> read_media(
    TableReader& network,
    const ScaleConfig& scales,
    const DeviceNames& names,
    const NetworkPreset* preset
) {
    std::vector<MediumConfig> media;
    const PerSecond capacity = preset != nullptr && preset->medium ? preset->medium->value : 0;
    if (capacity > 0) {
        const scheduler::Ratio scale = ratio_of(scales.bandwidth);
        check_scaled(network, "medium", capacity, Zero::refused, scale, "preset");
    }
    if (network.find("medium")) {
        Members members(names);
        for (TableReader& table : network.tables("medium", "[[network.medium]]")) {
            media.push_back(read_medium(table, scales, members, preset));
        }
    } else if (capacity > 0 && names.size() > 1) {
        media.push_back({all_of(names), capacity});
    }
    return media;
}

std::string members_text(const MediumConfig& medium, const FleetConfig& fleet) {
    if (medium.members.size() == fleet.devices.size()) {
        return toml_string(std::string(kAll));
    }
    std::vector<std::string> names;
    for (const DeviceId member : medium.members) {
        names.push_back(toml_string(fleet.devices[member.index()].name));
    }
    return fmt::format("[{}]", fmt::join(names, ", "));
}

} // namespace headroom::config
