// See overrides.hpp.
#include "config/overrides.hpp"

#include <charconv>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "config/exact.hpp"

namespace headroom::config {

namespace {

constexpr const char* kPromptOption = "--prompt";
constexpr const char* kPromptFileOption = "--prompt-file";

struct Change {
    std::string option; ///< as the user gave it, for messages
    std::string key;
    std::string value; ///< TOML text
};

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

/// A table with the value as `v`; its nodes carry the option as source. Nothing if `value` is not
/// one TOML value.
std::optional<toml::table> parsed(std::string_view value, const std::string& option) {
    try {
        toml::table table = toml::parse(fmt::format("v = {}", value), std::string_view(option));
        return table.size() == 1 ? std::optional(std::move(table)) : std::nullopt;
    } catch (const toml::parse_error&) {
        return std::nullopt;
    }
}

/// Walks one option's key through the document, making what is missing on the way.
class Setter {
  public:
    Setter(const Change& change, Problems& problems) : change_(&change), problems_(&problems) {}

    void set(toml::table& root, toml::node& value) {
        const std::vector<std::string> parts = split(change_->key);
        for (const std::string& part : parts) {
            if (part.empty()) {
                refuse("expected a key such as controller.interval or device.0.memory");
                return;
            }
        }
        toml::node* at = &root;
        for (std::size_t i = 0; at != nullptr && i + 1 < parts.size(); ++i) {
            toml::node* next = child(*at, parts[i]);
            if (next == nullptr && !failed_) {
                std::optional<toml::table> made =
                    parsed(index_in(parts[i + 1]) ? "[]" : "{}", change_->option);
                put(*at, parts[i], *made->get("v"));
                next = failed_ ? nullptr : child(*at, parts[i]);
            }
            at = next;
        }
        if (at != nullptr && !failed_) {
            put(*at, parts.back(), value);
        }
    }

  private:
    void refuse(const std::string& text) {
        failed_ = true;
        problems_->add_option(change_->option, text);
    }

    toml::node* child(toml::node& at, const std::string& part) {
        if (toml::table* const table = at.as_table()) {
            return table->get(part);
        }
        toml::array* const array = at.as_array();
        const std::optional<std::size_t> index = index_in(part);
        if (array == nullptr || !index) {
            refuse(fmt::format("there is nothing under '{}' that a key could name", part));
            return nullptr;
        }
        return *index < array->size() ? array->get(*index) : nullptr;
    }

    void put(toml::node& at, const std::string& part, toml::node& value) {
        if (toml::table* const table = at.as_table()) {
            value.visit([&](auto& concrete) { table->insert_or_assign(part, std::move(concrete)); }
            );
            return;
        }
        toml::array* const array = at.as_array();
        const std::optional<std::size_t> index = index_in(part);
        if (array == nullptr || !index) {
            refuse(fmt::format("'{}' names nothing here: not a table", part));
        } else if (*index > array->size()) {
            refuse(fmt::format(
                "index {} is too large; there are {} entries, counted from 0, and {} adds one",
                *index,
                array->size(),
                array->size()
            ));
        } else {
            put_element(*array, *index, value);
        }
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

    const Change* change_;
    Problems* problems_;
    bool failed_ = false;
};

std::string toml_strings(const std::vector<std::string>& texts) {
    std::vector<std::string> quoted;
    for (const std::string& text : texts) {
        quoted.push_back(toml_string(text));
    }
    return fmt::format("[{}]", fmt::join(quoted, ", "));
}

/// Named options as changes of the keys they stand for.
std::vector<Change> named_changes(const Overrides& overrides) {
    std::vector<Change> changes;
    if (overrides.policy) {
        changes.push_back(
            {"--policy " + *overrides.policy, "controller.policy", toml_string(*overrides.policy)}
        );
    }
    if (overrides.clock) {
        changes.push_back(
            {"--clock " + *overrides.clock, "clock.mode", toml_string(*overrides.clock)}
        );
    }
    const auto integer = [&](std::string_view option, std::string key, auto value) {
        changes.push_back(
            {fmt::format("{} {}", option, value), std::move(key), fmt::format("{}", value)}
        );
    };
    if (overrides.interval) {
        integer("--interval", "controller.interval", *overrides.interval);
    }
    if (overrides.tokens) {
        integer("--tokens", "workload.tokens", *overrides.tokens);
    }
    if (overrides.seed) {
        integer("--seed", "seed", *overrides.seed);
    }
    if (!overrides.prompts.empty()) {
        changes.push_back(
            {std::string(kPromptOption), "workload.prompts", toml_strings(overrides.prompts)}
        );
    }
    if (overrides.prompt_file) {
        changes.push_back(
            {std::string(kPromptFileOption),
             "workload.prompt_file",
             toml_string((std::filesystem::current_path() / *overrides.prompt_file).string())}
        );
    }
    return changes;
}

std::optional<Change> set_change(const std::string& text, Problems& problems) {
    std::string option = "--set " + text;
    for (char& c : option) {
        c = static_cast<unsigned char>(c) < 0x20 ? ' ' : c; // a problem is one line
    }
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) {
        problems.add_option(option, "expected KEY=VALUE, for example controller.interval=4");
        return std::nullopt;
    }
    std::string value = text.substr(equals + 1);
    if (!parsed(value, option)) {
        value = toml_string(value);
    }
    return Change{option, text.substr(0, equals), std::move(value)};
}

bool well_formed(const std::string& text, std::string_view option, Problems& problems) {
    const bool bad = first_bad_utf8(text).has_value();
    if (bad) {
        problems.add_option(std::string(option), "the text is not valid UTF-8");
    }
    return !bad;
}

/// Prompts from the command line replace a prompt file and the other way round: no option could
/// take away the one that the file has.
void erase_replaced(toml::table& root, std::string_view key) {
    toml::table* const workload = root["workload"].as_table();
    if (workload == nullptr) {
        return;
    }
    if (key == "workload.prompts") {
        workload->erase("prompt_file");
    } else if (key == "workload.prompt_file") {
        workload->erase("prompts");
    }
}

} // namespace

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

void apply_overrides(toml::table& root, const Overrides& overrides, Problems& problems) {
    std::vector<Change> changes;
    for (const std::string& text : overrides.set) {
        if (!well_formed(text, "--set", problems)) {
            continue;
        }
        if (std::optional<Change> change = set_change(text, problems)) {
            changes.push_back(std::move(*change));
        }
    }
    if (!overrides.prompts.empty() && overrides.prompt_file) {
        problems.add_option(kPromptFileOption, "and --prompt exclude each other; give one of them");
    }
    Overrides named = overrides;
    for (auto [value, option] :
         {std::pair(&named.policy, "--policy"),
          std::pair(&named.clock, "--clock"),
          std::pair(&named.prompt_file, kPromptFileOption)}) {
        if (*value && !well_formed(**value, option, problems)) {
            value->reset();
        }
    }
    std::erase_if(named.prompts, [&](const std::string& prompt) {
        return !well_formed(prompt, kPromptOption, problems);
    });
    for (Change& change : named_changes(named)) {
        changes.push_back(std::move(change));
    }
    for (const Change& change : changes) {
        erase_replaced(root, change.key);
        if (std::optional<toml::table> value = parsed(change.value, change.option)) {
            Setter(change, problems).set(root, *value->get("v"));
        }
    }
}

} // namespace headroom::config
