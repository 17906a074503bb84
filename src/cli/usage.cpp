#include "cli/usage.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/file_kind.hpp"
#include "config/exact.hpp"

namespace headroom::cli {

namespace {

/// `headroom FILE`: which command such a file is for.
std::string command_for(const std::string& file) {
    switch (kind_of(file)) {
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

std::string unknown_command(const std::string& word, const std::vector<std::string>& commands) {
    if (std::ranges::find(kPlannedCommands, word) != std::end(kPlannedCommands)) {
        return fmt::format(
            "the command '{}' is planned, not built yet; expected one of: {}",
            word,
            fmt::join(commands, ", ")
        );
    }
    if (is_file(word)) {
        return fmt::format(
            "'{}' is a file, expected a command before it; try: {}", word, command_for(word)
        );
    }
    std::vector<std::string> known = commands;
    known.insert(known.end(), std::begin(kPlannedCommands), std::end(kPlannedCommands));
    return fmt::format(
        "there is no command '{}', expected one of: {}{}",
        word,
        fmt::join(commands, ", "),
        did_you_mean(word, known)
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

std::string whole_number(const std::string& text, const WholeRange& range) {
    std::int64_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure == std::errc() && end == text.data() + text.size() && value >= range.low &&
        value <= range.high) {
        return "";
    }
    constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();
    const std::string limits = range.high != kNoLimit
                                   ? fmt::format(" from {} to {}", range.low, range.high)
                               : range.low != -kNoLimit ? fmt::format(" of at least {}", range.low)
                                                        : std::string();
    return fmt::format(
        "expected a whole number{}, found '{}'; give one such as {}", limits, text, range.example
    );
}

std::string known_word(const std::string& text, const std::vector<std::string>& words) {
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
