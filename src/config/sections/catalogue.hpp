// The catalogue: the devices, networks and models that a scenario can refer to by name. Its texts
// data/devices.toml, networks.toml and models.toml are embedded into the program when it is built.
// docs/reference/catalogue.md describes them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/model_shape.hpp"
#include "base/units.hpp"
#include "base/weight_type.hpp"
#include "config/scenario/choices.hpp"

namespace headroom::config {

/// How a number was found: measured on the device, derived from other numbers by a rule, published
/// by the maker or by somebody who does not say how it was measured, or fitted so that predictions
/// agree with measured speeds. A `limit` is what a standard or a bus allows, which no real device
/// reaches.
enum class Origin : std::uint8_t { measured, derived, published, fitted, limit };

template <>
inline constexpr auto kWords<Origin> = words("measured", "derived", "published", "fitted", "limit");

struct SourcedFigure {
    std::int64_t value = 0; ///< in base units
    std::string written;    ///< the text in the catalogue: "9.2 GB/s"
    Origin origin = Origin::measured;
    std::string how;         ///< description of the method or rule by which it was found
    std::string source;      ///< reference to the publication or data sheet
    std::string fitted_with; ///< fitted: the measurements from which; else empty
    std::string note;        ///< how far the figure carries; may be empty
};

/// Returns the figure's value if there is a figure.
[[nodiscard]] inline std::optional<std::int64_t> value_of(const std::optional<SourcedFigure>& figure
) {
    return figure ? std::optional(figure->value) : std::nullopt;
}

/// The rates of a device for the weights of one type. At least one figure is there.
struct ProfileRates {
    WeightType type = WeightType::f32;
    std::optional<SourcedFigure> compute;          ///< FLOP/s
    std::optional<SourcedFigure> memory_bandwidth; ///< bytes/s
    std::optional<SourcedFigure> prefill_compute;  ///< FLOP/s
};

/// A kind of device with one size of memory.
struct DeviceProfile {
    std::string name;               ///< raspberry-pi-5, raspberry-pi-5-4gb
    std::string title;              ///< Raspberry Pi 5
    bool variant = false;           ///< whether the name has a memory size at its end, such as -8gb
    SourcedFigure compute;          ///< FLOP/s
    Bytes ram = 0;                  ///< memory size as sold
    Bytes memory = 0;               ///< `ram` less what the system and apps need
    SourcedFigure memory_bandwidth; ///< bytes/s
    std::optional<SourcedFigure> storage_bandwidth;  ///< bytes/s; nothing if unknown
    std::vector<ProfileRates> rates;                 ///< by increasing type
    std::optional<SourcedFigure> operation_overhead; ///< ns
    std::optional<SourcedFigure> message_overhead;   ///< ns
};

struct NetworkPreset {
    std::string name;
    std::string title;
    SourcedFigure bandwidth; ///< bytes/s
    SourcedFigure latency;   ///< ns, one way
    /// What a device's network interface sends or receives in all, in bytes/s; nothing: no limit.
    std::optional<SourcedFigure> nic;
    /// The capacity, in bytes/s, of the medium that all devices share; nothing: they share none.
    std::optional<SourcedFigure> medium;
};

/// The published size of a quantised model.
struct PublishedSize {
    std::string weights; ///< the scenario's weight_type: "q4_k_m"
    Bytes bytes = 0;     ///< of all tensors, or of the file, which is little more
    std::string source;  ///< where it was printed
};

struct ModelPreset {
    std::string name;            ///< llama-2-7b
    std::string title;           ///< Llama 2 7B
    ModelShape shape;            ///< dimensions; all matrices have kDefaultWeightType
    bool fused_qkv = false;      ///< whether files have q, k and v as one matrix
    std::int64_t parameters = 0; ///< published number of parameters
    std::int64_t left_out = 0;   ///< number of published parameters that the shape does not have
    std::string left_out_what;   ///< what these are: "position embeddings"; or empty
    std::optional<PublishedSize> size; ///< of a quantised file
    std::string source;                ///< reference to the publication
};

/// Each function returns all profiles or presets of a text, in its order. For a device NAME there
/// is a profile NAME with the first of the device's memory sizes. If the device has several sizes,
/// there is also one profile for each of them, such as NAME-8gb. Each function throws InputError
/// with all mistakes in the text. `file` is the name of the text in these messages.
[[nodiscard]] std::vector<DeviceProfile> parse_device_profiles(
    std::string_view text, const std::string& file
);
[[nodiscard]] std::vector<NetworkPreset> parse_network_presets(
    std::string_view text, const std::string& file
);
[[nodiscard]] std::vector<ModelPreset> parse_model_presets(
    std::string_view text, const std::string& file
);

/// These functions return the embedded texts; embed.cmake writes them.
[[nodiscard]] std::string_view device_profiles_text();
[[nodiscard]] std::string_view network_presets_text();
[[nodiscard]] std::string_view model_presets_text();

/// These functions return the embedded catalogue; the first call of each parses its text.
[[nodiscard]] const std::vector<DeviceProfile>& device_profiles();
[[nodiscard]] const std::vector<NetworkPreset>& network_presets();
[[nodiscard]] const std::vector<ModelPreset>& model_presets();

/// Returns the entry with this name in a list of the catalogue, or a null pointer.
template <class Entry>
[[nodiscard]] const Entry* find_entry(const std::vector<Entry>& entries, std::string_view name) {
    const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& candidate) {
        return candidate.name == name;
    });
    return found == entries.end() ? nullptr : &*found;
}

} // namespace headroom::config
