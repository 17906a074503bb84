// [device.rates.TYPE]: the rates of a device for the weights of one type.
#include <algorithm>

#include <fmt/format.h>

#include "config/sections/keys.hpp"
#include "config/sections/sections.hpp"

namespace headroom::config {

namespace {

/// Returns the device's rates for a type, which are added if there are none, in the order of types.
TypeRatesConfig& rates_for(DeviceConfig& device, WeightType type) {
    auto place = std::ranges::lower_bound(device.rates, type, {}, &TypeRatesConfig::type);
    if (place == device.rates.end() || place->type != type) {
        place = device.rates.insert(place, TypeRatesConfig{.type = type});
    }
    return *place;
}

bool is_empty(const TypeRatesConfig& rates) {
    return !rates.compute && !rates.memory_bandwidth && !rates.prefill_compute;
}

/// Checks what the profile gives for a type against the scale. `written` is the scenario's table
/// for this type, whose values have been checked.
void check_profile_rates(
    TableReader& device,
    const TypeRatesConfig& rates,
    const toml::table* written,
    scheduler::Ratio scale
) {
    const auto check = [&](std::string_view key, const std::optional<PerSecond>& rate) {
        if (rate && (written == nullptr || !written->contains(key))) {
            const auto path = fmt::format("rates.{}.{}", name_of(rates.type), key);
            check_scaled(device, path, *rate, Zero::refused, scale, "profile");
        }
    };
    check("compute", rates.compute);
    check("memory_bandwidth", rates.memory_bandwidth);
    check("prefill_compute", rates.prefill_compute);
}

} // namespace

void read_type_rates(TableReader& device, const ScaleConfig& scales, DeviceConfig& out) {
    const std::vector<TypeRatesConfig> of_profile = out.rates;
    auto tables = device.table("rates", "[device.rates.TYPE]");
    for (const WeightType type : kWeightTypes) {
        const std::string_view name = name_of(type);
        auto table =
            tables ? tables->table(name, fmt::format("[device.rates.{}]", name)) : std::nullopt;
        const auto known = std::ranges::find(of_profile, type, &TypeRatesConfig::type);
        if (known != of_profile.end()) {
            const toml::table* const written = table ? &table->table() : nullptr;
            check_profile_rates(device, *known, written, ratio_of(scales.compute));
        }
        if (table) {
            TypeRatesConfig& rates = rates_for(out, type);
            read_keys(*table, kTypeRatesKeys, rates, {scales, ""});
            if (is_empty(rates) && table->table().empty()) {
                table->report_missing(
                    "compute", "give compute, memory_bandwidth or prefill_compute"
                );
            }
            table->finish();
        }
    }
    if (tables) {
        tables->finish();
    }
}

std::string type_rates_text(const DeviceConfig& device, const FleetConfig& fleet) {
    std::string text;
    for (const TypeRatesConfig& rates : device.rates) {
        const std::string name = fmt::format("[device.rates.{}]", name_of(rates.type));
        text += section_text(kTypeRatesKeys, rates, fleet, name);
    }
    return text;
}

} // namespace headroom::config
