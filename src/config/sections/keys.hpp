// The keys of a scenario, one row per key; scenario_keys.cpp has the rows. From these rows follow
// how a scenario is read, its resolved text (TOML with all defaults), the known keys in messages,
// and the table of keys in `headroom help scenario`.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "config/scenario/scenario.hpp"
#include "config/sections/table_reader.hpp"

namespace headroom::config {

/// What is needed to check a value that a factor of [fleet] multiplies.
struct KeyContext {
    ScaleConfig scales{};
    /// The key (`profile` or `preset`) whose catalogue entry has filled the struct, or "".
    std::string_view catalogue_key{};
};

/// How the value of a key is read into a struct T, written as TOML, and described.
template <class T>
struct KeyType {
    std::string values;     ///< the valid values, in Markdown
    std::string standard{}; ///< the default, in Markdown
    /// Reads the key if the table has it. If this function is null, the function of sections.hpp
    /// that reads the section reads the key.
    std::function<void(TableReader&, std::string_view key, T&, const KeyContext&)> read{};
    /// Returns the value for the resolved text, or "" to leave the key out. If null, the key is
    /// always left out.
    std::function<std::string(const T&, const FleetConfig&)> text{};
};

template <class T>
struct Key {
    std::string_view name;
    KeyType<T> type;
    std::string_view meaning;                   ///< in Markdown
    std::optional<std::string_view> standard{}; ///< if given, it replaces type.standard
};

template <class T>
struct Section {
    std::string_view name; ///< as in a file: "[clock]", "[[device]]"; "" for the top level
    std::string_view meaning;
    std::vector<Key<T>> keys;
};

extern const Section<Scenario> kTopLevelKeys;
extern const Section<Scenario> kModelKeys;
extern const Section<WorkloadConfig> kWorkloadKeys;
extern const Section<ControllerConfig> kControllerKeys;
extern const Section<scheduler::PaperSettings> kPaperKeys;
extern const Section<ClockConfig> kClockKeys;
extern const Section<ScaleConfig> kFleetKeys;
extern const Section<DeviceConfig> kDeviceKeys;
extern const Section<TypeRatesConfig> kTypeRatesKeys;
extern const Section<NetworkConfig> kNetworkKeys;
extern const Section<JitterConfig> kJitterKeys;
extern const Section<MediumConfig> kMediumKeys;
extern const Section<LinkConfig> kLinkKeys;
extern const Section<Event> kEventKeys;

/// A row of docs/reference/scenario.md in Markdown: a key, or a section if `key` is empty.
struct KeyDescription {
    std::string_view section;
    std::string_view key;
    std::string_view values;
    std::string_view standard;
    std::string_view meaning;
};

/// Returns the descriptions of all sections and keys in the order of the reference.
[[nodiscard]] std::vector<KeyDescription> key_descriptions();

/// Reads the keys of a table that have a KeyType::read. Marks all keys of the section as known, so
/// that TableReader::finish does not report them.
template <class T>
void read_keys(
    TableReader& table, const Section<T>& section, T& out, const KeyContext& context = {}
) {
    for (const Key<T>& key : section.keys) {
        (void)table.find(key.name);
        if (key.type.read) {
            key.type.read(table, key.name, out, context);
        }
    }
}

/// Reads a table if the parent has it. Precondition: every key of the section has a KeyType::read.
template <class T>
void read_section(TableReader& parent, std::string_view key, const Section<T>& section, T& out) {
    if (auto table = parent.table(key, std::string(section.name))) {
        read_keys(*table, section, out);
        table->finish();
    }
}

/// Returns the table as TOML with every key that KeyType::text does not leave out.
/// `name` replaces the section's name, if it is not empty.
template <class T>
std::string section_text(
    const Section<T>& section, const T& value, const FleetConfig& fleet, std::string_view name = ""
) {
    const std::string_view written_name = name.empty() ? section.name : name;
    std::string text = written_name.empty() ? "" : fmt::format("\n{}\n", written_name);
    for (const Key<T>& key : section.keys) {
        if (const std::string written = key.type.text ? key.type.text(value, fleet) : "";
            !written.empty()) {
            text += fmt::format("{} = {}\n", key.name, written);
        }
    }
    return text;
}

} // namespace headroom::config
