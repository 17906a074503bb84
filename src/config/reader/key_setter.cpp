#include "config/reader/key_setter.hpp"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "config/toml/exact.hpp"
#include "config/toml/toml_limits.hpp"
#include "config/toml/values.hpp"

namespace headroom::config {

namespace {

std::vector<std::string> split(std::string_view key) {
    std::vector<std::string> parts{""};
    for (const char c : key) {
        if (c == '.') {
            parts.emplace_back();
        } else {
            parts.back() += c;
        }
    }
    return parts;
}

std::optional<std::size_t> index_in(std::string_view part) {
    std::size_t index = 0;
    const auto [end, failure] = std::from_chars(part.data(), part.data() + part.size(), index);
    const bool whole = failure == std::errc() && end == part.data() + part.size();
    return whole && !part.empty() ? std::optional(index) : std::nullopt;
}

/// Follows the key of one option through the document and creates missing tables and lists.
class Setter {
  public:
    Setter(const std::string& option, Problems& problems)
        : option_(&option), problems_(&problems) {}

    void set(toml::table& root, std::string_view key, toml::node& value) {
        const std::vector<std::string> parts = split(key);
        for (const std::string& part : parts) {
            if (part.empty()) {
                refuse("expected a key such as controller.interval or device.0.memory");
                return;
            }
        }
        toml::node* at = &root;
        path_.clear();
        for (std::size_t i = 0; at != nullptr && i + 1 < parts.size(); ++i) {
            toml::node* next = child(*at, parts[i]);
            if (next == nullptr && !failed_) {
                std::optional<toml::table> made =
                    parse_value(index_in(parts[i + 1]) ? "[]" : "{}", *option_);
                put(*at, parts[i], *made->get("v"));
                next = failed_ ? nullptr : child(*at, parts[i]);
            }
            path_ += (path_.empty() ? "" : ".") + parts[i];
            at = next;
        }
        if (at != nullptr && !failed_) {
            put(*at, parts.back(), value);
        }
    }

  private:
    void refuse(const std::string& text) {
        failed_ = true;
        problems_->add_option(*option_, text);
    }

    toml::node* child(toml::node& at, const std::string& part) {
        if (toml::table* const table = at.as_table()) {
            return table->get(part);
        }
        toml::array* const array = at.as_array();
        if (array == nullptr) {
            refuse(fmt::format("{} is a value; '{}' names nothing in it", path_, part));
            return nullptr;
        }
        const std::optional<std::size_t> index = index_in(part);
        if (!index) {
            return named_element(*array, part);
        }
        return *index < array->size() ? array->get(*index) : nullptr;
    }

    /// Returns the table of a list whose key `name` has this value. Adds a problem and returns a
    /// null pointer if there is none.
    toml::node* named_element(toml::array& array, const std::string& name) {
        std::vector<std::string> names;
        for (toml::node& element : array) {
            const toml::table* const table = element.as_table();
            const auto own =
                table == nullptr ? std::nullopt : (*table)["name"].value<std::string>();
            if (own == name) {
                return &element;
            }
            if (own) {
                names.push_back(*own);
            }
        }
        refuse(
            names.empty()
                ? fmt::format("{} is a list; expected an index instead of '{}'", path_, name)
                : fmt::format(
                      "{} has no table named '{}'; {}",
                      path_,
                      name,
                      suggestion(name, names, "there are " + shortened_list(names), '\'')
                  )
        );
        return nullptr;
    }

    void put(toml::node& at, const std::string& part, toml::node& value) {
        if (toml::table* const table = at.as_table()) {
            if (path_.empty() && refuses_section(*table, part, value)) {
                return;
            }
            value.visit([&](auto& concrete) { table->insert_or_assign(part, std::move(concrete)); }
            );
            return;
        }
        toml::array* const array = at.as_array();
        const std::optional<std::size_t> index = index_in(part);
        if (array == nullptr || !index) {
            refuse(fmt::format(
                "{} is {}; '{}' names nothing in it", path_, array ? "a list" : "a value", part
            ));
        } else if (*index > array->size() || is_expanded_device(*array, *index)) {
            refuse(no_table_text(*array, *index));
        } else {
            put_element(*array, *index, value);
        }
    }

    /// Adds a problem and returns true if the value would replace a whole section by another type,
    /// as device = 3 does.
    bool refuses_section(const toml::table& root, const std::string& part, toml::node& value) {
        const toml::node* const old = root.get(part);
        if (old == nullptr || old->type() == value.type() ||
            !(old->is_table() || old->is_array())) {
            return false;
        }
        refuse(fmt::format(
            "{} is {}; give the key of a value in it, for example {}",
            part,
            old->is_table() ? "a table" : "a list of tables",
            old->is_table() ? "controller.interval" : "device.0.memory"
        ));
        return true;
    }

    /// Returns the number of devices that the tables of a list make, or 0 if no table has a count.
    static std::int64_t expanded_count(const toml::array& array) {
        std::int64_t total = 0;
        bool any = false;
        for (const toml::node& element : array) {
            const toml::table* const table = element.as_table();
            const auto count =
                table == nullptr ? std::nullopt : (*table)["count"].value<std::int64_t>();
            total += std::clamp<std::int64_t>(count.value_or(1), 1, kMaxCount);
            any |= count.has_value();
        }
        return any ? total : 0;
    }

    /// Returns whether the index is that of a device without a table of its own.
    static bool is_expanded_device(const toml::array& array, std::size_t index) {
        return index >= array.size() && static_cast<std::int64_t>(index) < expanded_count(array);
    }

    [[nodiscard]] std::string no_table_text(const toml::array& array, std::size_t index) const {
        const bool expanded = expanded_count(array) > 0;
        return fmt::format(
            "there is no table {}.{}: {}the file has {}, counted from 0{}",
            path_,
            index,
            expanded ? "a table with a count is one table, and " : "",
            array.size(),
            expanded ? "" : fmt::format("; {}.{} adds one", path_, array.size())
        );
    }

    static void put_element(toml::array& array, std::size_t index, toml::node& value) {
        const auto place = array.cbegin() + static_cast<std::ptrdiff_t>(index);
        value.visit([&](auto& concrete) {
            if (index < array.size()) {
                array.replace(place, std::move(concrete));
            } else {
                array.push_back(std::move(concrete));
            }
        });
    }

    const std::string* option_;
    Problems* problems_;
    std::string path_; ///< dotted key of the current node
    bool failed_ = false;
};

} // namespace

std::optional<toml::table> parse_value(std::string_view value, const std::string& option) {
    const std::string text = fmt::format("v = {}", value);
    if (find_exceeded_limit(text)) {
        return std::nullopt;
    }
    try {
        toml::table table = toml::parse(text, std::string_view(option));
        return table.size() == 1 ? std::optional(std::move(table)) : std::nullopt;
    } catch (const toml::parse_error&) {
        return std::nullopt;
    }
}

void set_key(
    toml::table& root,
    const std::string& option,
    std::string_view key,
    toml::node& value,
    Problems& problems
) {
    Setter(option, problems).set(root, key, value);
}

} // namespace headroom::config
