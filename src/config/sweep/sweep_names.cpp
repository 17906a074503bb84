// See sweep_names.hpp.
#include "config/sweep/sweep_names.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/checksum.hpp"

namespace headroom::config {

namespace {

/// With an extension and a note on a failure behind them names stay below the 255 bytes that file
/// systems allow.
constexpr std::size_t kLongestCellName = 160;
constexpr std::size_t kLongestWord = 48;
constexpr std::size_t kDigits = 8;

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_plain(char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '+';
}

std::string number_for(std::string_view text) {
    const std::uint64_t sum = checksum(std::as_bytes(std::span(text.data(), text.size())));
    return fmt::format("{:016x}", sum).substr(0, kDigits);
}

std::string shortened(const std::string& word, std::size_t longest, std::string_view whole) {
    return word.size() <= longest
               ? word
               : fmt::format("{}-{}", word.substr(0, longest - kDigits - 1), number_for(whole));
}

} // namespace

std::string file_word(std::string_view text) {
    std::string word;
    for (const char c : text) {
        if (is_plain(c)) {
            word += c;
        } else if (!word.empty() && word.back() != '-') {
            word += '-';
        }
    }
    while (!word.empty() && word.back() == '-') {
        word.pop_back();
    }
    word.erase(0, word.find_first_not_of('.')); // no hidden files
    return word.empty() ? number_for(text) : shortened(word, kLongestWord, text);
}

std::vector<std::string> short_keys(std::span<const std::string> keys) {
    const auto ends_with = [](std::string_view key, std::string_view end) {
        return key == end || (key.ends_with(end) && key[key.size() - end.size() - 1] == '.');
    };
    std::vector<std::string> names;
    for (const std::string& key : keys) {
        std::size_t dot = key.rfind('.');
        const auto end = [&] { return dot == std::string::npos ? key : key.substr(dot + 1); };
        const auto is_shared = [&] {
            return std::count_if(keys.begin(), keys.end(), [&](const std::string& other) {
                       return ends_with(other, end());
                   }) > 1;
        };
        while (dot != std::string::npos && is_shared()) {
            dot = dot == 0 ? std::string::npos : key.rfind('.', dot - 1);
        }
        names.push_back(end());
    }
    return names;
}

std::string value_word(std::string_view short_key, std::string_view value) {
    if (value.starts_with('"')) {
        const std::string_view text = value.substr(1, value.size() - 2);
        return !text.empty() && is_letter(text.front())
                   ? file_word(text)
                   : file_word(fmt::format("{}{}", short_key, text));
    }
    const bool number = !value.empty() && value.front() >= '0' && value.front() <= '9';
    return file_word(fmt::format("{}{}{}", short_key, number ? "" : "-", value));
}

std::vector<std::string> cell_names(
    std::span<const std::vector<std::string>> words, std::span<const std::vector<std::string>> exact
) {
    std::vector<std::string> names;
    std::map<std::string, int> times;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string whole = fmt::format("{}", fmt::join(exact[i], "\n"));
        names.push_back(
            shortened(fmt::format("{}", fmt::join(words[i], "-")), kLongestCellName, whole)
        );
        ++times[names.back()];
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (times[names[i]] > 1) {
            names[i] = fmt::format(
                "{}-{}", names[i], number_for(fmt::format("{}", fmt::join(exact[i], "\n")))
            );
        }
    }
    return names;
}

} // namespace headroom::config
