// The sections of a scenario, one function each. A section fills its struct with what is right and
// reports what is wrong; whoever calls throws in the end if anything was reported.
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

/// Where the model comes from. unknown: that is a problem already.
enum class ModelSource : std::uint8_t { unknown, file, shape };

struct ModelPlaces {
    std::filesystem::path installed; ///< where plain names are looked for too; empty: nowhere
    bool must_exist = false;         ///< a file that is not there is a problem of the scenario
};

/// [model]. folder: where relative paths start.
ModelSource read_model(
    TableReader& root,
    const std::filesystem::path& folder,
    const ModelPlaces& places,
    Scenario& scenario
);

/// [workload], with the contents of a prompt_file, which are added to scenario.input_files.
void read_workload(
    TableReader& root, const std::filesystem::path& folder, ModelSource model, Scenario& scenario
);

/// The key `arrivals` of [workload]. requests: how many there are, if that is known.
ArrivalsConfig read_arrivals(TableReader& workload, std::optional<std::size_t> requests);

/// [controller]; what depends on the sequences in flight is checked against the workload,
/// overload = "page" against the devices, slices against the shape.
ControllerConfig read_controller(
    TableReader& root,
    const WorkloadConfig& workload,
    const std::vector<DeviceConfig>& devices,
    const std::optional<scheduler::ModelShape>& shape
);

ClockConfig read_clock(TableReader& root);

/// The scales as exact fractions beside the doubles that go into ScaleConfig.
struct Scales {
    ScaleConfig written;
    scheduler::Ratio compute;
    scheduler::Ratio memory;
    scheduler::Ratio bandwidth;
    scheduler::Ratio latency;
};

/// [fleet].
Scales read_scales(TableReader& root);

/// Devices by name or index, for links and events.
class DeviceNames {
  public:
    explicit DeviceNames(const std::vector<DeviceConfig>& devices);
    /// A device's name, or its index as a whole number; else a problem.
    [[nodiscard]] std::optional<DeviceId> read(const Site& site, Problems& problems) const;
    [[nodiscard]] std::size_t size() const { return names_.size(); }

  private:
    std::vector<std::string> names_;
    std::map<std::string, DeviceId, std::less<>> ids_;
};

/// [[device]]: all devices, counts expanded, and the source.
void read_devices(TableReader& root, const Scales& scales, FleetConfig& fleet);

/// [network] and [[network.link]].
NetworkConfig read_network(TableReader& root, const Scales& scales, const DeviceNames& names);

/// [[event]].
std::vector<Event> read_events(
    TableReader& root, const DeviceNames& names, const std::vector<DeviceConfig>& devices
);

/// A load: a fraction or a table { kind, … }. shown: how people see that table.
LoadConfig read_load(TableReader& reader, std::string_view key);

/// A quantity that its scale must neither blow up nor, unless zero is allowed, reduce to nothing.
/// Where the key is absent, what the entry that catalogue_key names says.
std::optional<std::int64_t> read_scaled(
    TableReader& reader,
    std::string_view key,
    Quantity quantity,
    Zero zero,
    scheduler::Ratio scale,
    std::string_view catalogue_key = "",
    std::optional<std::int64_t> of_catalogue = std::nullopt
);

} // namespace headroom::config
