#include "config/reader/settings.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "config/sections/table_reader.hpp"
#include "config/toml/toml_text.hpp"
#include "config/toml/values.hpp"

namespace headroom::config {

namespace {

/// Returns the names of a list's tables if all have different names, else their indices.
std::vector<std::string> element_names(const toml::array& array) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < array.size(); ++i) {
        const toml::table* const table = array[i].as_table();
        const auto own = table == nullptr ? std::nullopt : (*table)["name"].value<std::string>();
        if (!own || std::find(names.begin(), names.end(), *own) != names.end()) {
            names.clear();
            break;
        }
        names.push_back(*own);
    }
    for (std::size_t i = names.size(); i < array.size(); ++i) {
        names.push_back(fmt::format("{}", i));
    }
    return names;
}

void add_values(
    const std::string& key,
    const std::string& with_indices,
    const toml::node& node,
    std::vector<KeyValue>& flat
) {
    const auto below = [](const std::string& above, std::string_view part) {
        return above.empty() ? std::string(part) : fmt::format("{}.{}", above, part);
    };
    if (const toml::table* const table = node.as_table()) {
        for (auto&& [part, value] : *table) {
            add_values(below(key, part.str()), below(with_indices, part.str()), value, flat);
        }
        return;
    }
    const toml::array* const array = node.as_array();
    if (array != nullptr && !array->empty() && array->is_homogeneous(toml::node_type::table)) {
        const std::vector<std::string> names = element_names(*array);
        for (std::size_t i = 0; i < array->size(); ++i) {
            const std::string index = fmt::format("{}", i);
            add_values(below(key, names[i]), below(with_indices, index), (*array)[i], flat);
        }
        return;
    }
    KeyValue& one = flat.emplace_back(KeyValue{key, toml_text(node).value_or(""), with_indices});
    if (const auto* const text = node.as_string()) {
        one.value = text->get();
    } else if (const auto* const integer = node.as_integer()) {
        one.value = integer->get();
    } else if (const auto* const number = node.as_floating_point()) {
        one.value = number->get();
    }
}

std::optional<std::int64_t> whole_quantity(Quantity quantity, const std::string& text) {
    Problems problems("value");
    const toml::value<std::string> node(text);
    return read_quantity({&node, "value"}, quantity, Zero::allowed, problems);
}

} // namespace

std::vector<KeyValue> flat_settings(std::string_view resolved) {
    Problems problems("resolved scenario");
    const toml::table document = parse_toml(resolved, problems);
    std::vector<KeyValue> flat;
    add_values("", "", document, flat);
    std::ranges::sort(flat, {}, &KeyValue::key);
    return flat;
}

bool is_same_quantity(const std::string& a, const std::string& b) {
    constexpr std::array kQuantities{
        Quantity::bytes, Quantity::compute_rate, Quantity::byte_rate, Quantity::duration};
    return std::any_of(kQuantities.begin(), kQuantities.end(), [&](Quantity quantity) {
        const std::optional<std::int64_t> whole = whole_quantity(quantity, a);
        return whole && whole == whole_quantity(quantity, b);
    });
}

} // namespace headroom::config
