#include "base/utf8.hpp"

#include <algorithm>

namespace headroom {

namespace {

/// Bytes of the character that begins with this one; 1 for what begins none.
std::size_t length_from(unsigned char first) {
    if (first >= 0xC2 && first <= 0xDF) {
        return 2;
    }
    if (first >= 0xE0 && first <= 0xEF) {
        return 3;
    }
    return first >= 0xF0 && first <= 0xF4 ? 4 : 1;
}

bool continues(unsigned char byte) {
    return (byte & 0xC0U) == 0x80U;
}

} // namespace

std::size_t whole_characters(std::string_view text) {
    constexpr std::size_t kLongestStart = 3; // of a character that lacks its end
    for (std::size_t back = 1; back <= std::min(kLongestStart, text.size()); ++back) {
        const auto byte = static_cast<unsigned char>(text[text.size() - back]);
        if (!continues(byte)) {
            return length_from(byte) > back ? text.size() - back : text.size();
        }
    }
    return text.size();
}

} // namespace headroom
