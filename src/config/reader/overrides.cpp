#include "config/reader/overrides.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "config/reader/key_setter.hpp"
#include "config/toml/exact.hpp"
#include "config/toml/input.hpp"
#include "config/toml/toml_limits.hpp"
#include "config/toml/toml_text.hpp"

namespace headroom::config {

namespace {

constexpr const char* kPromptOption = "--prompt";
constexpr const char* kPromptFileOption = "--prompt-file";

struct Change {
    std::string option; ///< the option as the user wrote it, for messages
    std::string key;
    std::string value; ///< TOML text
};

bool check_utf8(const std::string& text, std::string_view option, Problems& problems) {
    const bool bad = first_invalid_utf8(text).has_value();
    if (bad) {
        problems.add_option(std::string(option), "the text is not valid UTF-8");
    }
    return !bad;
}

/// Returns the options with a name of their own, such as --policy, as changes of scenario keys.
std::vector<Change> named_changes(const Overrides& overrides, Problems& problems) {
    std::vector<Change> changes;
    const auto add_text = [&](std::string_view option, std::string key, const auto& value) {
        if (value && check_utf8(*value, option, problems)) {
            changes.push_back({fmt::format("{} {}", option, *value), key, toml_string(*value)});
        }
    };
    const auto add_number = [&](std::string_view option, std::string key, const auto& value) {
        if (value) {
            changes.push_back({fmt::format("{} {}", option, *value), key, fmt::format("{}", *value)}
            );
        }
    };
    add_text("--policy", "controller.policy", overrides.policy);
    add_text("--clock", "clock.mode", overrides.clock);
    add_number("--interval", "controller.interval", overrides.interval);
    add_number("--tokens", "workload.tokens", overrides.tokens);
    add_number("--seed", "seed", overrides.seed);
    const std::optional<std::string>& file = overrides.prompt_file;
    const bool usable_file = file && check_utf8(*file, kPromptFileOption, problems);
    std::vector<std::string> prompts = overrides.prompts;
    std::erase_if(prompts, [&](const std::string& prompt) {
        return !check_utf8(prompt, kPromptOption, problems);
    });
    if (!prompts.empty()) {
        changes.push_back({kPromptOption, "workload.prompts", toml_strings(prompts)});
    }
    if (usable_file) {
        const std::filesystem::path folder =
            is_standard_input(*file) ? "" : std::filesystem::current_path();
        changes.push_back(
            {kPromptFileOption, "workload.prompt_file", toml_string((folder / *file).string())}
        );
    }
    return changes;
}

/// Returns the first 60 bytes of an option, not cut inside a character.
std::string beginning_of(const std::string& option) {
    constexpr std::size_t kShown = 60;
    std::size_t end = std::min(option.size(), kShown);
    while (end > 0 && end < option.size() &&
           (static_cast<unsigned char>(option[end]) & 0xC0U) == 0x80U) {
        --end; // move to the beginning of the character
    }
    return option.substr(0, end) + (end < option.size() ? "…" : "");
}

std::optional<Change> set_change(const std::string& text, Problems& problems) {
    std::string option = "--set " + text;
    for (char& c : option) {
        c = static_cast<unsigned char>(c) < 0x20 ? ' ' : c; // a problem must be one line
    }
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) {
        problems.add_option(option, "expected KEY=VALUE, for example controller.interval=4");
        return std::nullopt;
    }
    if (const auto excess = key_limit_problem(std::string_view(text).substr(0, equals))) {
        problems.add_option(beginning_of(option), *excess);
        return std::nullopt;
    }
    std::string value = text.substr(equals + 1);
    if (!parse_value(value, option)) {
        value = toml_string(value);
    }
    return Change{option, text.substr(0, equals), std::move(value)};
}

/// Sets of keys that exclude each other. If an option sets one of them, the others are removed,
/// because no option can remove a key of the file.
constexpr std::array<std::array<std::string_view, 3>, 3> kAlternatives{{
    {"workload.prompts", "workload.prompt_file", "workload.prompt_tokens"},
    {"model.file", "model.preset", "model.shape"},
    {"controller.placement", "controller.layers", "controller.layers"},
}};

void erase_replaced(toml::table& root, std::string_view key) {
    for (const auto& keys : kAlternatives) {
        const auto same = [&](std::string_view other) {
            return key == other || (key.starts_with(other) && key[other.size()] == '.');
        };
        if (std::none_of(keys.begin(), keys.end(), same)) {
            continue;
        }
        for (const std::string_view other : keys) {
            const std::size_t dot = other.find('.');
            toml::table* const table = root[other.substr(0, dot)].as_table();
            if (table != nullptr && !same(other)) {
                table->erase(other.substr(dot + 1));
            }
        }
    }
}

} // namespace

void apply_overrides(toml::table& root, const Overrides& overrides, Problems& problems) {
    std::vector<Change> changes;
    for (const std::string& text : overrides.set) {
        if (!check_utf8(text, "--set", problems)) {
            continue;
        }
        if (std::optional<Change> change = set_change(text, problems)) {
            changes.push_back(std::move(*change));
        }
    }
    if (!overrides.prompts.empty() && overrides.prompt_file) {
        problems.add_option(kPromptFileOption, "and --prompt exclude each other; give one of them");
    }
    for (Change& change : named_changes(overrides, problems)) {
        changes.push_back(std::move(change));
    }
    for (const Change& change : changes) {
        erase_replaced(root, change.key);
        if (std::optional<toml::table> value = parse_value(change.value, change.option)) {
            set_key(root, change.option, change.key, *value->get("v"), problems);
        }
    }
}

} // namespace headroom::config
