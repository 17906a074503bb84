#include "cli/input/usage.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"
#include "cli/input/file_kind.hpp"
#include "cli/input/policy_file.hpp"
#include "config/toml/exact.hpp"
#include "scheduler/policies/registry.hpp"

namespace headroom::cli {

namespace {

/// Returns the commands that suit the file, for users who typed `headroom FILE`.
std::string command_for(const std::string& file) {
    switch (file_kind_of(file)) {
    case FileKind::trace:
        return fmt::format("headroom inspect {}", file);
    case FileKind::model:
        return fmt::format(
            "headroom run --model {} --devices 4, or headroom inspect {}", file, file
        );
    case FileKind::text:
        break;
    }
    return fmt::format("headroom run {}, or headroom simulate {}", file, file);
}

bool is_file(const std::string& word) {
    std::error_code unknown;
    return std::filesystem::is_regular_file(word, unknown);
}

} // namespace

std::string did_you_mean(std::string_view word, std::span<const std::string> candidates) {
    const std::string_view near = config::nearest_word(word, candidates);
    return near.empty() ? "" : fmt::format("; did you mean '{}'?", near);
}

void throw_usage_error(const std::string& command, const std::string& problem) {
    throw InputError(fmt::format(
        "{}\n  {} --help shows what can be given",
        problem,
        command.empty() ? "headroom" : "headroom " + command
    ));
}

std::string all_policies() {
    return fmt::format(
        "{}, given (with controller.placement or layers)",
        fmt::join(scheduler::policies_for_any_problem(), ", ")
    );
}

std::vector<std::string> policy_list(const std::string& command, const std::string& text) {
    if (text == "all") {
        const auto names = scheduler::policies_for_any_problem();
        return {names.begin(), names.end()};
    }
    const auto names = scheduler::policy_names();
    const std::vector<std::string> known(names.begin(), names.end());
    std::vector<std::string> policies;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find(',', begin), text.size());
        const std::string name = text.substr(begin, end - begin);
        const std::string problem = is_policy_file(name) ? "" : word_problem(name, known);
        if (!problem.empty()) {
            throw_usage_error(
                command,
                fmt::format(
                    "--policy: {}\n  a policy of your own is a file: ./mine.so, or mine.py", problem
                )
            );
        }
        if (std::ranges::find(policies, label_of(name), label_of) != policies.end()) {
            throw_usage_error(
                command,
                fmt::format(
                    "--policy: expected each policy once, found '{}' again; leave one out", name
                )
            );
        }
        policies.push_back(name);
        begin = end + 1;
    }
    return policies;
}

std::string unknown_command(const std::string& word, const std::vector<std::string>& commands) {
    if (is_file(word)) {
        return fmt::format(
            "'{}' is a file, expected a command before it; try: {}", word, command_for(word)
        );
    }
    return fmt::format(
        "there is no command '{}', expected one of: {}{}",
        word,
        fmt::join(commands, ", "),
        did_you_mean(word, commands)
    );
}

std::string unexpected_arguments(
    const std::vector<std::string>& arguments,
    const std::vector<std::string>& options,
    std::string_view positional
) {
    const auto option = std::ranges::find_if(arguments, [](const std::string& argument) {
        return argument.starts_with('-');
    });
    if (option != arguments.end()) {
        const std::string name = option->substr(0, option->find('='));
        return fmt::format("there is no option {}{}", name, did_you_mean(name, options));
    }
    return fmt::format(
        "unexpected argument '{}': expected one {} only; leave it out, or quote a text with spaces",
        arguments.front(),
        positional
    );
}

std::string integer_problem(const std::string& text, const IntegerRange& range) {
    std::int64_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure == std::errc() && end == text.data() + text.size() && value >= range.low &&
        value <= range.high) {
        return "";
    }
    const std::string limits = range.high != kNoLimit
                                   ? fmt::format(" from {} to {}", range.low, range.high)
                               : range.low != -kNoLimit ? fmt::format(" of at least {}", range.low)
                                                        : std::string();
    return fmt::format(
        "expected a whole number{}, found '{}'; give one such as {}", limits, text, range.example
    );
}

std::string word_problem(const std::string& text, const std::vector<std::string>& words) {
    if (std::ranges::find(words, text) != words.end()) {
        return "";
    }
    const std::string near = did_you_mean(text, words);
    return fmt::format(
        "expected one of: {}, found '{}'{}",
        fmt::join(words, ", "),
        text,
        near.empty() ? "; give one of them" : near
    );
}

} // namespace headroom::cli
