// The kinds of [[event]], one row per kind. An event multiplies one property of a device, or of the
// links between two devices, by its factor.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "config/scenario/scenario.hpp"

namespace headroom::config {

struct EventKind {
    std::string_view name; ///< value of the key `kind`
    /// The property that is multiplied, either of a device or of a link; the other pointer is null.
    scheduler::Profile scheduler::DeviceSpec::*of_device;
    scheduler::Profile scheduler::LinkSpec::*of_link;
    /// What happens while the property is 0, for warnings. Empty for latency, because its factors
    /// of 0 and above 1 make sense: a kind with an empty text gets no warning about its factor.
    std::string_view consequence_of_zero;
    /// Returns whether the device lacks the property. A null pointer means that no device lacks it.
    bool (*is_absent)(const DeviceConfig&) = nullptr;
};

inline constexpr auto kEventKinds = [] {
    using D = scheduler::DeviceSpec;
    using L = scheduler::LinkSpec;
    constexpr std::string_view kNoResult = "nothing that it computes would ever end";
    return std::array{
        EventKind{"compute", &D::compute, nullptr, kNoResult},
        EventKind{"memory", &D::memory, nullptr, "nothing fits there"},
        EventKind{
            "memory_bandwidth",
            &D::memory_bandwidth,
            nullptr,
            kNoResult,
            [](const DeviceConfig& device) {
                return device.memory_bandwidth == kUnlimited &&
                       std::ranges::none_of(device.rates, [](const TypeRatesConfig& rates) {
                           return rates.memory_bandwidth.has_value();
                       });
            }},
        EventKind{
            "storage_bandwidth",
            &D::storage_bandwidth,
            nullptr,
            "reading its storage would never end",
            [](const DeviceConfig& device) { return !device.storage_bandwidth; }},
        EventKind{"bandwidth", nullptr, &L::bandwidth, "no message would ever arrive"},
        EventKind{"latency", nullptr, &L::latency, ""},
    };
}();

inline constexpr auto kEventKindNames = [] {
    std::array<std::string_view, kEventKinds.size()> names{};
    for (std::size_t i = 0; i < names.size(); ++i) {
        names[i] = kEventKinds[i].name;
    }
    return names;
}();
inline constexpr std::array<std::string_view, 3> kPlannedEventKinds{"leave", "return", "down"};

} // namespace headroom::config
