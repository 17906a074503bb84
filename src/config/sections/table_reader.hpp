// Reads a TOML table key by key. A key counts as known as soon as it has been looked up. `finish`
// reports all other keys of the table, so a key is valid if and only if the code reads it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <toml++/toml.h>

#include "config/scenario/choices.hpp"
#include "config/sections/catalogue.hpp"
#include "config/toml/values.hpp"

namespace headroom::config {

/// Parses the text of a document. Throws InputError for a syntax error and for a text that exceeds
/// a limit of toml_limits.hpp.
[[nodiscard]] toml::table parse_toml(std::string_view text, Problems& problems);

class TableReader {
  public:
    /// `path` is the dotted key of the table, "" for the whole document. `display_name` is the
    /// table's name in messages, such as "[[device]]".
    TableReader(
        const toml::table& table, std::string path, std::string display_name, Problems& problems
    )
        : table_(&table), path_(std::move(path)), display_name_(std::move(display_name)),
          problems_(&problems) {}

    /// Returns the entry of a key, or nothing if it is absent, and marks the key as known.
    [[nodiscard]] std::optional<TomlEntry> find(std::string_view key);
    [[nodiscard]] std::string key_path(std::string_view key) const;
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] Problems& problems() { return *problems_; }
    [[nodiscard]] const toml::source_region& position() const { return table_->source(); }
    [[nodiscard]] const toml::table& table() const { return *table_; }

    // Each of these functions returns the value of a key. It returns nothing if the key is absent,
    // and adds a problem and returns nothing if the value is wrong.

    [[nodiscard]] auto text(std::string_view key) { return read(key, read_text); }
    [[nodiscard]] auto flag(std::string_view key) { return read(key, read_flag); }
    [[nodiscard]] auto fraction(std::string_view key) { return read(key, read_fraction); }
    [[nodiscard]] auto integer(std::string_view key, std::int64_t low, std::int64_t high) {
        return read(key, read_integer, low, high);
    }
    /// Returns a number from 0 to `high`.
    [[nodiscard]] auto number(std::string_view key, double high, Zero zero) {
        return read(key, read_number, 0.0, high, zero);
    }
    [[nodiscard]] auto quantity(std::string_view key, Quantity quantity, Zero zero) {
        return read(key, read_quantity, quantity, zero);
    }
    [[nodiscard]] std::optional<TableReader> table(std::string_view key, std::string display_name);
    /// Returns a reader of each table of the array [[key]]. The array may also be written inline.
    [[nodiscard]] std::vector<TableReader> tables(std::string_view key, std::string display_name);

    /// Returns the index of the value in `words`. For a value in `planned`, adds a problem which
    /// says that this value is not built yet.
    [[nodiscard]] std::optional<std::size_t> word(std::string_view key, Words words, Words planned);
    template <class Enum>
    [[nodiscard]] std::optional<Enum> choice(std::string_view key) {
        const auto index = word(key, kWords<Enum>, kPlannedWords<Enum>);
        return index ? std::optional(static_cast<Enum>(*index)) : std::nullopt;
    }

    /// Returns the profile or preset that the key names, or a null pointer. If no entry has that
    /// name, adds a problem that suggests a similar name or, if there is none, lists the names. The
    /// list has a profile NAME but not its variants, such as NAME-8gb (DeviceProfile::variant).
    template <class Entry>
    [[nodiscard]] const Entry* catalogue_entry(
        std::string_view key, const std::vector<Entry>& entries
    ) {
        const std::optional<TomlEntry> entry = find(key);
        if (!entry) {
            return nullptr;
        }
        const auto name = entry->node->value<std::string_view>();
        if (const Entry* const found = name ? find_entry(entries, *name) : nullptr) {
            return found;
        }
        std::vector<std::string> all;
        std::vector<std::string> listed;
        for (const Entry& candidate : entries) {
            all.push_back(candidate.name);
            if constexpr (requires { candidate.variant; }) {
                if (candidate.variant) {
                    continue;
                }
            }
            listed.push_back(candidate.name);
        }
        report_unknown_entry(*entry, all, listed);
        return nullptr;
    }

    /// Adds the problem that a value is none of `names` or, if it is in `planned`, not built yet.
    void report_invalid_choice(
        const TomlEntry& entry,
        const std::vector<std::string>& names,
        const std::vector<std::string>& planned
    );

    /// Adds the problem that a name is none of `all`. The problem suggests a similar name or, if
    /// there is none, lists `listed`.
    void report_unknown_entry(
        const TomlEntry& entry,
        const std::vector<std::string>& all,
        const std::vector<std::string>& listed
    );

    /// Makes `finish` add the problem that `key` is missing, unless the table has an unknown key
    /// that is probably a misspelling of `key`.
    void report_missing(std::string_view key, std::string_view hint);
    void require(std::string_view key, std::string_view hint);
    /// Makes `finish` give this hint if the table has one of these keys, which belong to another
    /// table.
    void explain_misplaced(std::initializer_list<std::string_view> keys, std::string_view hint);
    void add_table_problem(const std::string& text);
    /// Adds problems for unknown keys, and for keys reported as missing. Call this after all reads.
    void finish();

  private:
    struct Missing {
        std::string key;
        std::string hint;
    };

    template <class Read, class... Range>
    auto read(std::string_view key, Read read_value, Range... range)
        -> decltype(read_value(TomlEntry(), range..., std::declval<Problems&>())) {
        const std::optional<TomlEntry> entry = find(key);
        return entry ? read_value(*entry, range..., *problems_) : std::nullopt;
    }
    void report_unknown(const toml::key& key, const toml::node& value);

    const toml::table* table_;
    std::string path_;
    std::string display_name_;
    Problems* problems_;
    std::vector<std::string> known_;
    std::vector<std::pair<std::string, std::string>> misplaced_; ///< keys and their hints
    std::vector<Missing> missing_;
};

} // namespace headroom::config
