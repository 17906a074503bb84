#include "config/toml/toml_text.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/toml/exact.hpp"

namespace headroom::config {

namespace {

bool is_bare(std::string_view key) {
    const auto bare = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    };
    return !key.empty() && std::all_of(key.begin(), key.end(), bare);
}

std::optional<std::string> list_text(const toml::array& array) {
    std::vector<std::string> parts;
    for (const toml::node& element : array) {
        std::optional<std::string> text = toml_text(element);
        if (!text) {
            return std::nullopt;
        }
        parts.push_back(std::move(*text));
    }
    return fmt::format("[{}]", fmt::join(parts, ", "));
}

std::optional<std::string> table_text(const toml::table& table) {
    std::vector<std::string> parts;
    for (auto&& [key, value] : table) {
        const std::optional<std::string> text = toml_text(value);
        if (!text) {
            return std::nullopt;
        }
        parts.push_back(fmt::format("{} = {}", toml_key(key.str()), *text));
    }
    return parts.empty() ? "{}" : fmt::format("{{ {} }}", fmt::join(parts, ", "));
}

} // namespace

std::optional<std::string> toml_text(const toml::node& node) {
    if (const auto* const text = node.as_string()) {
        return toml_string(text->get());
    }
    if (const auto* const integer = node.as_integer()) {
        return fmt::format("{}", integer->get());
    }
    if (const auto* const number = node.as_floating_point()) {
        return decimal_text(number->get());
    }
    if (const auto* const flag = node.as_boolean()) {
        return flag->get() ? "true" : "false";
    }
    if (const toml::array* const array = node.as_array()) {
        return list_text(*array);
    }
    const toml::table* const table = node.as_table();
    return table == nullptr ? std::nullopt : table_text(*table);
}

std::string toml_string(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            quoted += '\\';
            quoted += c;
        } else if (c == '\n') {
            quoted += "\\n";
        } else if (byte < 0x20 || byte == 0x7F) {
            quoted += fmt::format("\\u{:04X}", byte);
        } else {
            quoted += c;
        }
    }
    return quoted + '"';
}

std::string toml_key(std::string_view key) {
    return is_bare(key) ? std::string(key) : toml_string(key);
}

std::string toml_strings(const std::vector<std::string>& texts) {
    std::vector<std::string> quoted;
    for (const std::string& text : texts) {
        quoted.push_back(toml_string(text));
    }
    return fmt::format("[{}]", fmt::join(quoted, ", "));
}

} // namespace headroom::config
