// A resolved scenario as a flat list, so that two of them can be compared key by key.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace headroom::config {

struct KeyValue {
    std::string key; ///< dotted: controller.interval, device.phone.memory, event.0.factor
    /// Texts without their quotes; lists and truth values as TOML text.
    std::variant<std::string, std::int64_t, double> value;
    bool operator==(const KeyValue&) const = default;
};

/// Every value of a scenario's text, sorted by key. Tables of a list go by their names where they
/// have such, else by number. Throws InputError if the text is no TOML.
[[nodiscard]] std::vector<KeyValue> flat_settings(std::string_view resolved);

} // namespace headroom::config
