#include "cli/terminal/text_picture.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <unistd.h>

#include "cli/terminal/screen.hpp"

namespace headroom::cli {

namespace {

constexpr std::size_t kMinWidth = 72;  ///< leaves room for names and figures beside a bar
constexpr std::size_t kMaxWidth = 160; ///< longer lines are hard to follow

/// Returns the width from COLUMNS or, without it, of the terminal; 0 if unknown.
std::size_t stdout_width() {
    if (const char* const columns = std::getenv("COLUMNS")) {
        const std::string_view text = columns;
        std::size_t width = 0;
        (void)std::from_chars(text.data(), text.data() + text.size(), width);
        if (width > 0) {
            return width;
        }
    }
    return terminal_width(STDOUT_FILENO);
}

/// Like the C library, takes the first of these variables that is set.
bool locale_is_utf8() {
    for (const char* const name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const char* const value = std::getenv(name);
        if (value != nullptr && *value != '\0') {
            std::string text = value;
            std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
                return static_cast<char>(std::tolower(c));
            });
            return text.find("utf-8") != std::string::npos ||
                   text.find("utf8") != std::string::npos;
        }
    }
    return true; // most terminals use UTF-8
}

constexpr std::array kBlockShades{"·", "░", "▒", "█"};
constexpr std::array kAsciiShades{".", "-", "=", "#"};
constexpr std::array kBlockHeights{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::array kAsciiHeights{"_", ".", ":", "-", "=", "+", "*", "#"};

} // namespace

PictureStyle PictureStyle::of_stdout() {
    PictureStyle style;
    if (const std::size_t width = stdout_width(); width > 0) {
        style.width = std::clamp(width, kMinWidth, kMaxWidth);
    }
    style.blocks = locale_is_utf8();
    const char* const no_colour = std::getenv("NO_COLOR");
    style.colour = isatty(STDOUT_FILENO) == 1 && (no_colour == nullptr || *no_colour == '\0');
    return style;
}

std::string coloured(const PictureStyle& style, Ink ink, const std::string& text) {
    if (!style.colour || ink == Ink::plain || text.empty()) {
        return text;
    }
    const char* const code = ink == Ink::blue     ? "\x1b[34m"
                             : ink == Ink::orange ? "\x1b[33m"
                                                  : "\x1b[2m";
    return code + text + "\x1b[0m";
}

std::string bar(const PictureStyle& style, const std::vector<BarPart>& parts, std::size_t length) {
    const auto& shades = style.blocks ? kBlockShades : kAsciiShades;
    std::string text;
    std::size_t drawn = 0;
    double until = 0;
    for (const BarPart& part : parts) {
        until += part.share;
        const auto wanted =
            static_cast<std::size_t>(std::max(0.0, std::round(until * static_cast<double>(length)))
            );
        const std::size_t end =
            std::min(length, std::max(wanted, drawn + (part.share > 0 ? 1 : 0)));
        std::string piece;
        for (; drawn < end; ++drawn) {
            piece += shades[static_cast<std::size_t>(part.shade)];
        }
        text += coloured(style, part.ink, piece);
    }
    std::string rest;
    for (; drawn < length; ++drawn) {
        rest += shades[0];
    }
    return text + coloured(style, Ink::dim, rest);
}

std::string height_chart(
    const PictureStyle& style, const std::vector<double>& values, double max_value, bool zero_blank
) {
    const auto& levels = style.blocks ? kBlockHeights : kAsciiHeights;
    constexpr double kLevels = kBlockHeights.size();
    std::string text;
    for (const double value : values) {
        if (zero_blank && value <= 0) {
            text += ' ';
            continue;
        }
        const double level = max_value > 0 ? std::ceil(value / max_value * kLevels) : 0;
        text += levels[static_cast<std::size_t>(std::clamp(level, 1.0, kLevels)) - 1];
    }
    return text;
}

Columns columns_within(std::size_t values, std::size_t max_columns) {
    const std::size_t columns = std::max<std::size_t>(1, max_columns);
    return {values, std::max<std::size_t>(1, (values + columns - 1) / columns)};
}

std::size_t characters(const std::string& text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    }));
}

std::string padded(const std::string& text, std::size_t width) {
    const std::size_t length = characters(text);
    return length < width ? text + std::string(width - length, ' ') : text;
}

} // namespace headroom::cli
