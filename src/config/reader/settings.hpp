// Turns a resolved scenario (complete TOML with all defaults) into a flat list of keys and values,
// so that scenarios can be compared key by key.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace headroom::config {

struct KeyValue {
    std::string key; ///< dotted key: controller.interval, device.phone.memory, event.0.factor
    /// A string has no quotes; a list or boolean is its TOML text. The variant never holds
    /// std::monostate. It has this alternative only to be the same type as trace::Figure.
    std::variant<std::monostate, std::string, std::int64_t, double> value;
    std::string key_with_indices; ///< the key with indices instead of names: device.0.memory
    bool operator==(const KeyValue&) const = default;
};

/// Returns every value of a resolved scenario, sorted by key. If a list has tables as elements
/// (such as devices), a key names a table by its `name` if all names in the list differ, otherwise
/// by its index. Throws InputError if the text is not valid TOML.
[[nodiscard]] std::vector<KeyValue> flat_settings(std::string_view resolved);

/// Returns whether both values are the same quantity, such as "4 GiB" and "4294967296 B".
[[nodiscard]] bool is_same_quantity(const std::string& a, const std::string& b);

} // namespace headroom::config
