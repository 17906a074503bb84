#include "config/sweep/sweep_names.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/checksum.hpp"

namespace headroom::config {

namespace {

/// With this limit the names of all files of a cell stay below the 255 bytes of file systems.
constexpr std::size_t kMaxCellNameLength = 160;
constexpr std::size_t kMaxPartLength = 48;
constexpr std::size_t kHashDigits = 8;

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_plain(char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '+';
}

std::string hash_of(std::string_view text) {
    const std::uint64_t sum = checksum(std::as_bytes(std::span(text.data(), text.size())));
    return fmt::format("{:016x}", sum).substr(0, kHashDigits);
}

std::string shortened(const std::string& word, std::size_t longest, std::string_view whole) {
    return word.size() <= longest
               ? word
               : fmt::format("{}-{}", word.substr(0, longest - kHashDigits - 1), hash_of(whole));
}

} // namespace

std::string file_name_part(std::string_view text) {
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
    return word.empty() ? hash_of(text) : shortened(word, kMaxPartLength, text);
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

std::string value_name_part(std::string_view short_key, std::string_view value) {
    if (value.starts_with('"')) {
        const std::string_view text = value.substr(1, value.size() - 2);
        return !text.empty() && is_letter(text.front())
                   ? file_name_part(text)
                   : file_name_part(fmt::format("{}{}", short_key, text));
    }
    const bool number = !value.empty() && value.front() >= '0' && value.front() <= '9';
    return file_name_part(fmt::format("{}{}{}", short_key, number ? "" : "-", value));
}

std::vector<std::string> cell_names(
    std::span<const std::vector<std::string>> name_parts,
    std::span<const std::vector<std::string>> exact_values
) {
    std::vector<std::string> names;
    std::map<std::string, int> times;
    for (std::size_t i = 0; i < name_parts.size(); ++i) {
        const std::string whole = fmt::format("{}", fmt::join(exact_values[i], "\n"));
        names.push_back(
            shortened(fmt::format("{}", fmt::join(name_parts[i], "-")), kMaxCellNameLength, whole)
        );
        ++times[names.back()];
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (times[names[i]] > 1) {
            names[i] = fmt::format(
                "{}-{}", names[i], hash_of(fmt::format("{}", fmt::join(exact_values[i], "\n")))
            );
        }
    }
    return names;
}

} // namespace headroom::config
