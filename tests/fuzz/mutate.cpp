#include "fuzz/mutate.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>

namespace headroom::fuzz {

namespace {

constexpr std::size_t kMaxPartBytes = 64;
/// The largest size of a damaged input.
constexpr std::size_t kLargest = std::size_t{1} << 20;

constexpr std::array kBoundaryTexts{
    "0",
    "-1",
    "1",
    "1e308",
    "-0.0",
    "nan",
    "inf",
    "0.1",
    "2147483648",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "0x7f",
    "1e-320",
    "\"\"",
    "\"1 ns\"",
    "\"1e30 GiB\"",
    "\"-1 s\"",
    "[]",
    "{}",
    "true",
    "\"9223372036854775807 B\"",
    "\"0 FLOP/s\"",
    "\"0.5 B/s\"",
    "1979-05-27T07:32:00Z",
};

/// Returns a random position for `length` bytes within `size` bytes. size ≥ length.
std::size_t position(std::size_t size, std::size_t length, Random& random) {
    return random.below(size - length + 1);
}

std::uint64_t boundary_number(std::size_t size, Random& random) {
    const std::uint64_t power = std::uint64_t{1} << random.below(64);
    const std::array numbers{
        std::uint64_t{0},
        ~std::uint64_t{0},
        power,
        power - 1,
        ~power,
        std::uint64_t{size} + random.below(65) - 32,
        random.below(300),
        random.bits(),
    };
    return numbers[random.below(numbers.size())];
}

/// Writes the lowest 1, 2, 4 or 8 bytes of a boundary value at a random position.
void overwrite_number(std::string& bytes, std::size_t within, Random& random) {
    std::size_t width = std::size_t{1} << random.below(4);
    while (width > within) {
        width /= 2;
    }
    std::uint64_t number = boundary_number(bytes.size(), random);
    for (std::size_t at = position(within, width, random), i = 0; i < width; ++i) {
        bytes[at + i] = static_cast<char>(number & 255U);
        number >>= 8;
    }
}

std::string_view random_part(std::string_view bytes, Random& random) {
    const std::size_t length = std::min(bytes.size(), std::size_t{1} + random.below(kMaxPartBytes));
    return bytes.empty() ? bytes : bytes.substr(position(bytes.size(), length, random), length);
}

void damage_bytes_once(
    std::string& bytes, std::size_t header_bytes, std::string_view other, Random& random
) {
    if (bytes.empty()) {
        bytes = random_part(other, random);
        return;
    }
    const bool in_front = random.below(2) == 0;
    const std::size_t within =
        in_front ? std::clamp<std::size_t>(header_bytes, 1, bytes.size()) : bytes.size();
    const std::size_t at = random.below(within);
    switch (random.below(8)) {
    case 0:
        bytes[at] =
            static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ (1U << random.below(8)));
        break;
    case 1:
        bytes[at] = static_cast<char>(random.below(256));
        break;
    case 2:
    case 3:
        overwrite_number(bytes, within, random);
        break;
    case 4:
        bytes.erase(at, 1 + random.below(kMaxPartBytes));
        break;
    case 5:
        bytes.insert(at, std::string(random_part(bytes, random)));
        break;
    case 6: {
        const std::string_view part = random_part(other, random);
        bytes.replace(at, random.below(2) * part.size(), part);
        break;
    }
    default:
        bytes.resize(random.below(4) == 0 ? at : bytes.size() - random.below(bytes.size()) / 16);
        break;
    }
}

/// Returns the word at a position: letters and digits, blanks, or one other character.
std::string_view word_at(std::string_view text, std::size_t at) {
    const auto kind = [](char c) {
        const auto code = static_cast<unsigned char>(c);
        if (std::isalnum(code) != 0 || c == '_' || c == '.') {
            return 1;
        }
        return c == ' ' ? 2 : 0;
    };
    if (kind(text[at]) == 0) {
        return text.substr(at, 1);
    }
    std::size_t first = at;
    while (first > 0 && kind(text[first - 1]) == kind(text[at])) {
        --first;
    }
    std::size_t last = at;
    while (last < text.size() && kind(text[last]) == kind(text[at])) {
        ++last;
    }
    return text.substr(first, last - first);
}

std::string_view random_word(std::string_view text, Random& random) {
    return text.empty() ? text : word_at(text, random.below(text.size()));
}

/// Returns a random line, with its line end.
std::string_view random_line(std::string_view text, Random& random) {
    const std::size_t at = random.below(text.size());
    const std::size_t before = text.substr(0, at).rfind('\n');
    const std::size_t first = before == std::string_view::npos ? 0 : before + 1;
    const std::size_t last = text.find('\n', at);
    return text.substr(first, last == std::string_view::npos ? last : last - first + 1);
}

std::size_t start_in(std::string_view text, std::string_view part) {
    return static_cast<std::size_t>(part.data() - text.data());
}

void damage_line(std::string& text, std::string_view other, Random& random) {
    const std::string_view line = random_line(text, random);
    const std::size_t at = start_in(text, line);
    switch (random.below(4)) {
    case 0:
        text.erase(at, line.size());
        break;
    case 1:
        text.insert(at, std::string(random_line(text, random)));
        break;
    default:
        text.insert(at, std::string(other.empty() ? line : random_line(other, random)));
        break;
    }
}

/// Returns the text after the first `=` of a line, without the line end; empty if there is no `=`.
std::string_view value_in(std::string_view line) {
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) {
        return line.substr(line.size());
    }
    const std::string_view value = line.substr(equals + 1);
    return value.substr(0, std::min(value.find('\n'), value.size()));
}

/// Replaces the value of a key by that of another key or by a boundary value. The text stays valid
/// TOML in most cases.
void replace_value(std::string& text, std::string_view other, Random& random) {
    const std::string_view old = value_in(random_line(text, random));
    const std::string_view source = other.empty() ? text : other;
    const std::string value = random.below(2) == 0
                                  ? std::string(value_in(random_line(source, random)))
                                  : kBoundaryTexts[random.below(kBoundaryTexts.size())];
    if (!old.empty() && !value.empty()) {
        text.replace(start_in(text, old), old.size(), value);
    }
}

void damage_text_once(std::string& text, std::string_view other, Random& random) {
    if (text.empty()) {
        text = other;
        return;
    }
    const std::string_view word = random_word(text, random);
    const std::size_t at = start_in(text, word);
    switch (random.below(16)) {
    case 0:
        text.replace(at, word.size(), std::string(random_word(other, random)));
        break;
    case 1:
    case 2:
        text.replace(at, word.size(), kBoundaryTexts[random.below(kBoundaryTexts.size())]);
        break;
    case 3:
        text.erase(at, word.size());
        break;
    case 4:
        text.insert(at, std::string(random_word(text, random)));
        break;
    case 5:
    case 6:
        damage_line(text, other, random);
        break;
    case 7:
        damage_bytes_once(text, text.size(), other, random);
        break;
    default:
        replace_value(text, other, random);
        break;
    }
}

} // namespace

void damage_bytes(
    std::string& bytes, std::size_t header_bytes, std::string_view other, Random& random
) {
    for (std::uint64_t changes = 1 + random.below(4); changes > 0; --changes) {
        damage_bytes_once(bytes, header_bytes, other, random);
    }
    bytes.resize(std::min(bytes.size(), kLargest));
}

void damage_text(std::string& text, std::string_view other, Random& random) {
    for (std::uint64_t changes = 1 + random.below(4); changes > 0; --changes) {
        damage_text_once(text, other, random);
    }
    text.resize(std::min(text.size(), kLargest));
}

} // namespace headroom::fuzz
