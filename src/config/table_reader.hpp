// A table of a scenario, read key by key. Every key that is asked for is known; `finish` reports
// the others, so a key cannot be read without being allowed or allowed without being read.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "config/names.hpp"
#include "config/values.hpp"

namespace headroom::config {

class TableReader {
  public:
    /// path: the dotted key of the table ("" at the top); shown: how people see it ("[[device]]").
    TableReader(const toml::table& table, std::string path, std::string shown, Problems& problems)
        : table_(&table), path_(std::move(path)), shown_(std::move(shown)), problems_(&problems) {}

    /// The value of a key, if it is there; the key is known from now on.
    [[nodiscard]] std::optional<Site> find(std::string_view key);
    [[nodiscard]] std::string key_path(std::string_view key) const;
    [[nodiscard]] Problems& problems() { return *problems_; }

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

    /// Reports a value that is none of `names`.
    void refuse_choice(
        const Site& site,
        const std::vector<std::string>& names,
        const std::vector<std::string>& planned
    );

    /// Reports the key, if it is there, as planned; `instead` is what works now. True if reported.
    bool planned(std::string_view key, std::string_view instead);
    /// A problem at the table's own place: `key` is missing.
    void missing(std::string_view key, std::string_view hint);
    /// A problem at the table's own place.
    void about(const std::string& text);
    /// Reports every key that nobody asked for. Call when all keys have been asked for.
    void finish();

  private:
    const toml::table* table_;
    std::string path_;
    std::string shown_;
    Problems* problems_;
    std::vector<std::string> known_;
};

} // namespace headroom::config
