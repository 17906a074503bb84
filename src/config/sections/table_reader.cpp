#include "config/sections/table_reader.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "config/toml/exact.hpp"
#include "config/toml/toml_limits.hpp"

namespace headroom::config {

namespace {

/// Returns `"a", "b" or "c"`.
std::string alternatives(const std::vector<std::string>& names) {
    std::string text = fmt::format("\"{}\"", fmt::join(names, "\", \""));
    if (names.size() > 1) {
        text.replace(text.rfind(", "), 2, " or ");
    }
    return text;
}

/// Returns a hint for a table that is written twice with [x] and should be a list [[x]].
std::string syntax_hint(std::string_view description) {
    for (const std::string_view list : {"device", "event", "network.link", "network.medium"}) {
        if (description.find(fmt::format("existing table '{}'", list)) != std::string_view::npos) {
            return fmt::format("; several are written [[{}]], each of them", list);
        }
    }
    return "";
}

} // namespace

toml::table parse_toml(std::string_view text, Problems& problems) {
    if (const std::optional<ExceededLimit> excess = find_exceeded_limit(text)) {
        const auto line = static_cast<toml::source_index>(excess->line);
        const auto column = static_cast<toml::source_index>(excess->column);
        problems.add({{line, column}, {line, column}, nullptr}, excess->text);
        problems.throw_if_any();
    }
    try {
        return toml::parse(text, std::string_view(problems.file()));
    } catch (const toml::parse_error& error) {
        const std::string description(error.description());
        problems.add(error.source(), description + syntax_hint(description));
        problems.throw_if_any();
        throw;
    }
}

std::string TableReader::key_path(std::string_view key) const {
    return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

std::optional<TomlEntry> TableReader::find(std::string_view key) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
        known_.emplace_back(key);
    }
    const toml::node* const node = table_->get(key);
    return node == nullptr ? std::nullopt : std::optional(TomlEntry{node, key_path(key)});
}

std::optional<TableReader> TableReader::table(std::string_view key, std::string display_name) {
    const auto entry = find(key);
    if (!entry) {
        return std::nullopt;
    }
    if (const toml::table* const table = entry->node->as_table()) {
        return TableReader(*table, entry->key, std::move(display_name), *problems_);
    }
    return add_mismatch(*entry, fmt::format("a table, written {}", display_name), *problems_);
}

std::vector<TableReader> TableReader::tables(std::string_view key, std::string display_name) {
    std::vector<TableReader> readers;
    const auto entry = find(key);
    if (!entry) {
        return readers;
    }
    const std::string expected = fmt::format("tables, each written {}", display_name);
    if (entry->node->is_table()) {
        const std::string_view text = "is one table; it is a list, each of it written ";
        add_problem(*entry, fmt::format("{}{}", text, display_name), *problems_);
    } else if (!entry->node->is_array()) {
        add_mismatch(*entry, expected, *problems_);
    }
    for (const TomlEntry& element : elements_of(*entry)) {
        if (const toml::table* const table = element.node->as_table()) {
            readers.emplace_back(*table, element.key, display_name, *problems_);
        } else {
            add_mismatch(element, expected, *problems_);
        }
    }
    return readers;
}

std::optional<std::size_t> TableReader::word(std::string_view key, Words words, Words planned) {
    const auto entry = find(key);
    if (!entry) {
        return std::nullopt;
    }
    const auto written = entry->node->value<std::string_view>();
    const auto found = std::find(words.begin(), words.end(), written);
    if (found == words.end()) {
        report_invalid_choice(
            *entry, {words.begin(), words.end()}, {planned.begin(), planned.end()}
        );
        return std::nullopt;
    }
    return static_cast<std::size_t>(found - words.begin());
}

void TableReader::report_invalid_choice(
    const TomlEntry& entry,
    const std::vector<std::string>& names,
    const std::vector<std::string>& planned
) {
    const std::string works = alternatives(names);
    const auto value = entry.node->value<std::string_view>();
    if (!value) {
        add_mismatch(entry, works, *problems_);
        return;
    }
    if (std::find(planned.begin(), planned.end(), *value) != planned.end()) {
        const auto text =
            fmt::format("= \"{}\" is planned but not built yet; what works now: {}", *value, works);
        add_problem(entry, text, *problems_);
        return;
    }
    const std::string hint = suggestion(*value, names, "");
    add_mismatch(entry, works, *problems_, hint.empty() ? "" : "; " + hint);
}

void TableReader::report_unknown_entry(
    const TomlEntry& entry,
    const std::vector<std::string>& all,
    const std::vector<std::string>& listed
) {
    const auto name = entry.node->value<std::string_view>();
    if (!name) {
        add_mismatch(entry, "a name of the catalogue, in quotes", *problems_);
        return;
    }
    const auto hint = suggestion(*name, all, fmt::format("there are {}", fmt::join(listed, ", ")));
    const std::string found = found_text(*entry.node);
    add_problem(entry, fmt::format("= {} is not in the catalogue; {}", found, hint), *problems_);
}

void TableReader::report_missing(std::string_view key, std::string_view hint) {
    missing_.push_back({std::string(key), std::string(hint)});
}

void TableReader::require(std::string_view key, std::string_view hint) {
    if (!find(key)) {
        report_missing(key, hint);
    }
}

void TableReader::explain_misplaced(
    std::initializer_list<std::string_view> keys, std::string_view hint
) {
    for (const std::string_view key : keys) {
        misplaced_.emplace_back(key, hint);
    }
}

void TableReader::add_table_problem(const std::string& text) {
    problems_->add(table_->source(), text);
}

void TableReader::report_unknown(const toml::key& key, const toml::node& value) {
    const auto misplaced =
        std::find_if(misplaced_.begin(), misplaced_.end(), [&](const auto& other) {
            return other.first == key.str();
        });
    const std::string_view near = nearest_word(key.str(), known_);
    std::string text = fmt::format("unknown key '{}' in {}; ", key.str(), display_name_);
    if (misplaced != misplaced_.end()) {
        text += misplaced->second;
    } else if (!near.empty()) {
        text += fmt::format("did you mean '{}'?", near);
    } else {
        text += fmt::format("known are {}", fmt::join(known_, ", "));
    }
    std::erase_if(missing_, [&](const Missing& missing) {
        return std::string_view(missing.key).substr(0, missing.key.find('.')) == near;
    });
    // A key that a command line option added has no position; its value names the option.
    problems_->add(key.source().path ? key.source() : value.source(), text);
}

void TableReader::finish() {
    for (auto&& [key, value] : *table_) {
        if (std::find(known_.begin(), known_.end(), key.str()) == known_.end()) {
            report_unknown(key, value);
        }
    }
    for (const Missing& missing : missing_) {
        add_table_problem(fmt::format("{} is missing; {}", key_path(missing.key), missing.hint));
    }
}

} // namespace headroom::config
