#include "base/utf8.hpp"

#include <algorithm>
#include <cstdint>

namespace headroom {

namespace {

/// Returns the length of a character with this first byte; 1 if no character begins with it.
std::size_t length_from(unsigned char first) {
    if (first >= 0xC2 && first <= 0xDF) {
        return 2;
    }
    if (first >= 0xE0 && first <= 0xEF) {
        return 3;
    }
    return first >= 0xF0 && first <= 0xF4 ? 4 : 1;
}

bool is_continuation(unsigned char byte) {
    return (byte & 0xC0U) == 0x80U;
}

} // namespace

std::size_t complete_prefix_length(std::string_view text) {
    constexpr std::size_t kLongestStart = 3; // bytes of an incomplete character
    for (std::size_t back = 1; back <= std::min(kLongestStart, text.size()); ++back) {
        const auto byte = static_cast<unsigned char>(text[text.size() - back]);
        if (!is_continuation(byte)) {
            return length_from(byte) > back ? text.size() - back : text.size();
        }
    }
    return text.size();
}

std::size_t well_formed_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) {
        return 1;
    }
    const std::size_t length = length_from(first);
    if (length == 1 || length > text.size()) {
        return 0;
    }
    for (std::size_t i = 1; i < length; ++i) {
        if (!is_continuation(byte(i))) {
            return 0;
        }
    }
    const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
    const bool reserved = (first == 0xED && byte(1) > 0x9F) || (first == 0xF4 && byte(1) > 0x8F);
    return overlong || reserved ? 0 : length;
}

namespace {

std::uint32_t code_point(std::string_view character) {
    const auto first = static_cast<unsigned char>(character.front());
    std::uint32_t code = character.size() == 1 ? first : first & (0x7FU >> character.size());
    for (const char byte : character.substr(1)) {
        code = code << 6U | (static_cast<unsigned char>(byte) & 0x3FU);
    }
    return code;
}

/// Returns whether the character is a control character other than a line end or a tab, or changes
/// the direction of the text after it.
bool is_control(std::uint32_t code) {
    const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
    const bool bidi = (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
    return (control && code != '\n' && code != '\t') || bidi;
}

void add_escape(std::string& out, char kind, std::size_t digits, std::uint32_t value) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    out += '\\';
    out += kind;
    for (std::size_t i = digits; i-- > 0;) {
        out += kDigits[value >> 4U * i & 0xFU];
    }
}

} // namespace

std::string escape_controls(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const std::size_t length = well_formed_length(text);
        const std::string_view character = text.substr(0, std::max<std::size_t>(1, length));
        const std::uint32_t code = length == 0 ? 0 : code_point(character);
        if (length == 0) {
            add_escape(out, 'x', 2, static_cast<unsigned char>(character.front()));
        } else if (!is_control(code)) {
            out += character;
        } else if (code < 0x20) {
            add_escape(out, 'x', 2, code);
        } else {
            add_escape(out, 'u', 4, code);
        }
        text.remove_prefix(character.size());
    }
    return out;
}

} // namespace headroom
