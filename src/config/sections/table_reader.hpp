// A table of a scenario, read key by key. Every key that is asked for is known; `finish` reports
// the others, so a key cannot be read without being allowed or allowed without being read.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <toml++/toml.h>

#include "config/sections/names.hpp"
#include "config/toml/values.hpp"

namespace headroom::config {

/// The document. Throws InputError for a mistake in the syntax: without a document there is
/// nothing else to say.
[[nodiscard]] toml::table parse_toml(std::string_view text, Problems& problems);

class TableReader {
  public:
    /// path: the dotted key of the table ("" at the top); shown: how people see it ("[[device]]").
    TableReader(const toml::table& table, std::string path, std::string shown, Problems& problems)
        : table_(&table), path_(std::move(path)), shown_(std::move(shown)), problems_(&problems) {}

    /// The value of a key, if it is there; the key is known from now on.
    [[nodiscard]] std::optional<Site> find(std::string_view key);
    [[nodiscard]] std::string key_path(std::string_view key) const;
    [[nodiscard]] Problems& problems() { return *problems_; }
    [[nodiscard]] const toml::source_region& place() const { return table_->source(); }
    [[nodiscard]] const toml::table& table() const { return *table_; }

    [[nodiscard]] std::optional<std::string> text(std::string_view key);
    [[nodiscard]] std::optional<bool> flag(std::string_view key);
    [[nodiscard]] std::optional<std::int64_t> integer(
        std::string_view key, std::int64_t low, std::int64_t high
    );
    [[nodiscard]] std::optional<scheduler::Ppb> fraction(std::string_view key);
    [[nodiscard]] std::optional<std::int64_t> quantity(
        std::string_view key, Quantity quantity, Zero zero
    );
    /// A reader for a table below this one; nothing if it is absent or no table (a problem).
    [[nodiscard]] std::optional<TableReader> table(std::string_view key, std::string shown);
    /// Readers for [[key]]; an array that is written inline will do.
    [[nodiscard]] std::vector<TableReader> tables(std::string_view key, std::string shown);

    /// One of the spellings; the planned ones are told as such.
    template <class Table, class Planned>
    [[nodiscard]] auto choice(std::string_view key, const Table& spellings, const Planned& planned)
        -> std::optional<decltype(spellings.front().value)> {
        const std::optional<Site> site = find(key);
        if (!site) {
            return std::nullopt;
        }
        std::vector<std::string> names;
        for (const auto& spelling : spellings) {
            if (site->node->value<std::string_view>() == spelling.name) {
                return spelling.value;
            }
            names.emplace_back(spelling.name);
        }
        refuse_choice(*site, names, {planned.begin(), planned.end()});
        return std::nullopt;
    }

    /// The profile or preset that the key names; nothing if the key is absent or names none of
    /// `entries` (a problem with the near name, or all names that are no variant).
    template <class Entry>
    [[nodiscard]] const Entry* entry(std::string_view key, const std::vector<Entry>& entries) {
        const std::optional<Site> site = find(key);
        if (!site) {
            return nullptr;
        }
        std::vector<std::string> all;
        std::vector<std::string> listed;
        for (const Entry& entry : entries) {
            if (site->node->value<std::string_view>() == entry.name) {
                return &entry;
            }
            all.push_back(entry.name);
            if constexpr (requires { entry.variant; }) {
                if (entry.variant) {
                    continue;
                }
            }
            listed.push_back(entry.name);
        }
        refuse_entry(*site, all, listed);
        return nullptr;
    }

    /// Reports a value that is none of `names`.
    void refuse_choice(
        const Site& site,
        const std::vector<std::string>& names,
        const std::vector<std::string>& planned
    );

    /// Reports a name that is none of `all`; `listed` are shown if none is near.
    void refuse_entry(
        const Site& site,
        const std::vector<std::string>& all,
        const std::vector<std::string>& listed
    );

    /// A problem at the table's own place: `key` is missing; told by finish, unless a key that is
    /// unknown was meant to be this one.
    void missing(std::string_view key, std::string_view hint);
    /// What to say instead of "unknown" if the key turns up here, where it does not belong.
    void elsewhere(std::string_view key, std::string_view instead);
    /// A problem at the table's own place.
    void about(const std::string& text);
    /// Reports every key that nobody asked for and every one that is missing. Call when all keys
    /// have been asked for.
    void finish();

  private:
    struct Missing {
        std::string key;
        std::string hint;
    };

    void report_unknown(const toml::key& key, const toml::node& value);

    const toml::table* table_;
    std::string path_;
    std::string shown_;
    Problems* problems_;
    std::vector<std::string> known_;
    std::vector<std::pair<std::string, std::string>> elsewhere_;
    std::vector<Missing> missing_;
};

} // namespace headroom::config
