// The readers of a scenario's sections, one function per TOML table. Each function puts the valid
// values into a struct and adds a message about each wrong value to the table's Problems. After all
// sections the caller throws if there are problems.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/scenario/scenario.hpp"
#include "config/sections/catalogue.hpp"
#include "config/sections/table_reader.hpp"
#include "config/toml/exact.hpp"

namespace headroom::config {

/// Whether the model is a file or a shape (dimensions only); unknown after a problem in [model].
enum class ModelKind : std::uint8_t { unknown, file, shape };

struct ModelFileLookup {
    /// The folder in which a model file is looked up if its path in the scenario has no folder and
    /// the file is not beside the scenario. Empty: there is no such folder.
    std::filesystem::path installed_folder;
    bool must_exist = false; ///< whether a missing model file is a problem
};

/// Reads [model]. Relative paths start from `folder`.
ModelKind read_model(
    TableReader& root,
    const std::filesystem::path& folder,
    const ModelFileLookup& lookup,
    Scenario& scenario
);

/// Reads [workload] and the prompt file, and adds the file's contents to scenario.input_files.
/// Relative paths start from `folder`.
void read_workload(
    TableReader& root, const std::filesystem::path& folder, ModelKind model, Scenario& scenario
);

/// Reads the key `arrivals` of [workload]. `requests` is the number of requests, or nothing if a
/// problem leaves the number unknown.
ArrivalsConfig read_arrivals(TableReader& workload, std::optional<std::size_t> requests);

/// Reads [controller] into scenario.controller. Checks the batch size against the workload, the
/// keys that need storage against the devices, and the number of slices and a given placement
/// against the shape if there is one. Relative paths start from `folder`. Precondition: workload,
/// model and devices of the scenario have been read.
void read_controller(TableReader& root, const std::filesystem::path& folder, Scenario& scenario);

/// Reads the keys `placement` and `layers` of [controller]. Adds the contents of the placement's
/// file to scenario.input_files. If there is a problem, `given` can be left empty.
void read_given(
    TableReader& controller,
    const std::filesystem::path& folder,
    Scenario& scenario,
    scheduler::GivenPlacement& given
);

class DeviceNames {
  public:
    explicit DeviceNames(const std::vector<DeviceConfig>& devices);
    /// Returns the device whose name or index is the value of the entry. Adds a problem and returns
    /// nothing if there is no such device.
    [[nodiscard]] std::optional<DeviceId> find_device(const TomlEntry& entry, Problems& problems)
        const;
    /// Returns the device of this name, or nothing.
    [[nodiscard]] std::optional<DeviceId> find_name(std::string_view name) const;
    /// Returns `did you mean "phone"?` for a name that is none, or a list of the names.
    [[nodiscard]] std::string suggestion_for(std::string_view name) const;
    [[nodiscard]] const std::string& name(DeviceId device) const { return names_[device.index()]; }
    [[nodiscard]] std::size_t size() const { return names_.size(); }

  private:
    std::vector<std::string> names_;
    std::map<std::string, DeviceId, std::less<>> ids_;
};

/// Reads all [[device]] tables into fleet.devices and fleet.source. A table with a `count` makes
/// that many devices. Precondition: fleet.scales has been read.
void read_devices(TableReader& root, FleetConfig& fleet);

/// Reads [network] into fleet.network. If its preset has a limit for all that a device sends or
/// receives, devices without `egress` or `ingress` get it. Precondition: fleet.scales and the
/// devices have been read.
void read_network(TableReader& root, const DeviceNames& names, FleetConfig& fleet);

/// Reads the key `rates` of a [[device]], which has one table for each weight type. The device has
/// the rates of its profile, if it has one; rates in the table replace them one by one.
void read_type_rates(TableReader& device, const ScaleConfig& scales, DeviceConfig& out);

/// Reads [network.jitter]. `devices` is the number of devices of the fleet.
JitterConfig read_jitter(TableReader& network, const ScaleConfig& scales, std::size_t devices);

/// Reads all [[network.medium]]. If there is no such key and the network's preset has a medium, all
/// devices share one medium of its capacity.
std::vector<MediumConfig> read_media(
    TableReader& network,
    const ScaleConfig& scales,
    const DeviceNames& names,
    const NetworkPreset* preset
);

std::vector<Event> read_events(
    TableReader& root, const DeviceNames& names, const std::vector<DeviceConfig>& devices
);

/// Reads a load (what other programs take): a fraction, or a table { kind, … }. The default is 0.
LoadConfig read_load(TableReader& reader, std::string_view key);

// These functions return values as TOML for resolved_text() of scenario.hpp.
std::string load_text(const LoadConfig& load);
std::string members_text(const MediumConfig& medium, const FleetConfig& fleet);
std::string type_rates_text(const DeviceConfig& device, const FleetConfig& fleet);
std::string arrivals_text(const ArrivalsConfig& arrivals);
std::string given_text(const scheduler::GivenPlacement& given, const FleetConfig& fleet);
std::string durations_text(const std::vector<Nanoseconds>& times);

/// Reads the policy from a key. Precondition: the table has the key.
std::optional<scheduler::PolicyKind> read_policy(TableReader& table, std::string_view key);

/// Reads a factor of [fleet] from a key. Precondition: the table has the key.
std::optional<double> read_scale(TableReader& table, std::string_view key);

/// Returns a factor of [fleet] as a fraction; 1 for a factor that has been refused.
[[nodiscard]] inline scheduler::Ratio ratio_of(double scale) {
    return decimal_ratio(scale).value_or(scheduler::Ratio{});
}

/// The shortest period of a random load or jitter. Drawing more often would slow the emulation down
/// without any use.
inline constexpr Nanoseconds kShortestPeriod = 1000;

/// Reads the required key `period` of a random load or jitter.
[[nodiscard]] Nanoseconds read_period(TableReader& table);

/// Adds a problem if `value` times `scale` exceeds kMaxValue or, with Zero::refused, is rounded
/// down to 0. If the table lacks the key, the value comes from the catalogue entry that the key
/// `catalogue_key` of the table names, and the problem names that key. If `catalogue_key` is empty
/// too, the value is a default, and nothing is checked.
void check_scaled(
    TableReader& table,
    std::string_view key,
    std::int64_t value,
    Zero zero,
    scheduler::Ratio scale,
    std::string_view catalogue_key
);

} // namespace headroom::config
