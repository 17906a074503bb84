#include "config/reader/settings.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "config/sections/table_reader.hpp"
#include "config/toml/toml_text.hpp"

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

void add_values(const std::string& key, const toml::node& node, std::vector<KeyValue>& flat) {
    const auto below = [&](std::string_view part) {
        return key.empty() ? std::string(part) : fmt::format("{}.{}", key, part);
    };
    if (const toml::table* const table = node.as_table()) {
        for (auto&& [part, value] : *table) {
            add_values(below(part.str()), value, flat);
        }
        return;
    }
    const toml::array* const array = node.as_array();
    if (array != nullptr && !array->empty() && array->is_homogeneous(toml::node_type::table)) {
        const std::vector<std::string> names = element_names(*array);
        for (std::size_t i = 0; i < array->size(); ++i) {
            add_values(below(names[i]), (*array)[i], flat);
        }
        return;
    }
    if (const auto* const text = node.as_string()) {
        flat.push_back({key, text->get()});
    } else if (const auto* const integer = node.as_integer()) {
        flat.push_back({key, integer->get()});
    } else if (const auto* const number = node.as_floating_point()) {
        flat.push_back({key, number->get()});
    } else {
        flat.push_back({key, toml_text(node).value_or("")});
    }
}

} // namespace

std::vector<KeyValue> flat_settings(std::string_view resolved) {
    Problems problems("resolved scenario");
    const toml::table document = parse_toml(resolved, problems);
    std::vector<KeyValue> flat;
    add_values("", document, flat);
    std::sort(flat.begin(), flat.end(), [](const KeyValue& a, const KeyValue& b) {
        return a.key < b.key;
    });
    return flat;
}

} // namespace headroom::config
