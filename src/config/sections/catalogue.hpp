// The catalogue of devices, networks and models: data/devices.toml, networks.toml and models.toml,
// embedded into the program when it is built, so that a lone binary knows them.
// docs/reference/catalogue.md describes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.hpp"
#include "scheduler/core/shape.hpp"

namespace headroom::config {

/// How a figure came about; a limit is what a standard allows and no device reaches.
enum class Origin : std::uint8_t { measured, derived, limit };

[[nodiscard]] std::string_view name_of(Origin origin);

/// A number of the catalogue in base units, with where it is from.
struct Figure {
    std::int64_t value = 0;
    std::string written; ///< "9.2 GB/s"
    Origin origin = Origin::measured;
    std::string how;    ///< the method or the rule, in words
    std::string source; ///< what to look up
};

/// One kind of device with one size of memory.
struct DeviceProfile {
    std::string name;                        ///< raspberry-pi-5, raspberry-pi-5-4gb
    std::string title;                       ///< Raspberry Pi 5
    bool variant = false;                    ///< another memory size of the profile before it
    Figure compute;                          ///< FLOP/s
    Bytes ram = 0;                           ///< as sold
    Bytes memory = 0;                        ///< what is left of it for a model
    Figure memory_bandwidth;                 ///< bytes/s
    std::optional<Figure> storage_bandwidth; ///< bytes/s
};

struct NetworkPreset {
    std::string name;
    std::string title;
    Figure bandwidth; ///< bytes/s
    Figure latency;   ///< ns, one way
};

/// The shape of a published model.
struct ModelPreset {
    std::string name;            ///< llama-2-7b
    std::string title;           ///< Llama 2 7B
    scheduler::ModelShape shape; ///< stored as kDefaultWeightType
    std::int64_t parameters = 0; ///< as published
    std::int64_t left_out = 0;   ///< of these: what the shape does not have
    std::string left_out_what;   ///< "biases of q, k and v"; empty: nothing
    std::string source;          ///< what to look up
};

/// Every profile and preset in the order of the text. Each device gives one profile under its own
/// name, with its first choice of memory, and if it has several one per choice, NAME-8gb. Throws
/// InputError with all that is wrong; `file` names the text in problems.
[[nodiscard]] std::vector<DeviceProfile> parse_device_profiles(
    std::string_view text, const std::string& file
);
[[nodiscard]] std::vector<NetworkPreset> parse_network_presets(
    std::string_view text, const std::string& file
);
[[nodiscard]] std::vector<ModelPreset> parse_model_presets(
    std::string_view text, const std::string& file
);

/// The embedded texts, written by embed.cmake.
[[nodiscard]] std::string_view device_profiles_text();
[[nodiscard]] std::string_view network_presets_text();
[[nodiscard]] std::string_view model_presets_text();

/// The embedded catalogue, parsed once.
[[nodiscard]] const std::vector<DeviceProfile>& device_profiles();
[[nodiscard]] const std::vector<NetworkPreset>& network_presets();
[[nodiscard]] const std::vector<ModelPreset>& model_presets();

/// Nothing if there is no such name.
[[nodiscard]] const DeviceProfile* device_profile(std::string_view name);
[[nodiscard]] const NetworkPreset* network_preset(std::string_view name);
[[nodiscard]] const ModelPreset* model_preset(std::string_view name);

} // namespace headroom::config
