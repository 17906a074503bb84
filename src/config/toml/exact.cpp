// A decimal that a user wrote is recovered with std::to_chars, which prints the shortest decimal
// that reads as the same double.
#include "config/toml/exact.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/int128.hpp"
#include "base/utf8.hpp"

namespace headroom::config {

namespace {

constexpr std::int64_t kMaxRatioPart = 1'000'000'000'000;

struct Decimal {
    std::int64_t digits = 0; ///< value = digits · 10^exponent
    int exponent = 0;
};

/// Returns the shortest decimal of a double. It has at most 17 digits, which fit in 64 bits.
Decimal shortest_decimal(double value) {
    std::array<char, 64> text{};
    const auto end =
        std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific);
    Decimal decimal;
    const char* c = text.data();
    bool fraction = false;
    for (; c != end.ptr && *c != 'e'; ++c) {
        if (*c == '.') {
            fraction = true;
            continue;
        }
        decimal.digits = decimal.digits * 10 + (*c - '0');
        decimal.exponent -= fraction ? 1 : 0;
    }
    int power = 0;
    if (c != end.ptr) {
        c += c[1] == '+' ? 2 : 1;
        std::from_chars(c, end.ptr, power);
    }
    decimal.exponent += power;
    return decimal;
}

Int128 greatest_common_divisor(Int128 a, Int128 b) {
    while (b != 0) {
        const Int128 rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

} // namespace

std::optional<scheduler::Ratio> decimal_ratio(double value) {
    if (!(value > 0) || !std::isfinite(value)) {
        return std::nullopt;
    }
    const Decimal decimal = shortest_decimal(value);
    // 17 digits over 10³⁰ cannot be reduced to a denominator of 10¹².
    if (decimal.exponent > 12 || decimal.exponent < -30) {
        return std::nullopt;
    }
    Int128 numerator = decimal.digits;
    Int128 denominator = 1;
    for (int i = 0; i < std::abs(decimal.exponent); ++i) {
        (decimal.exponent > 0 ? numerator : denominator) *= 10;
    }
    const Int128 divisor = greatest_common_divisor(numerator, denominator);
    numerator /= divisor;
    denominator /= divisor;
    if (numerator > kMaxRatioPart || denominator > kMaxRatioPart) {
        return std::nullopt;
    }
    return scheduler::Ratio{
        static_cast<std::int64_t>(numerator), static_cast<std::int64_t>(denominator)};
}

std::int64_t whole_units(double value) {
    HEADROOM_CHECK(value >= 0 && value <= static_cast<double>(kMaxValue), "{}", value);
    const double near = std::round(value);
    const double slack = 4 * std::numeric_limits<double>::epsilon() * near;
    return static_cast<std::int64_t>(std::abs(value - near) <= slack ? near : std::floor(value));
}

std::optional<std::int64_t> scaled(std::int64_t base, scheduler::Ratio ratio) {
    const Int128 value = Int128{base} * ratio.numerator / ratio.denominator;
    return value > kMaxValue ? std::nullopt : std::optional(static_cast<std::int64_t>(value));
}

scheduler::Ppb to_ppb(double value) {
    return std::llround(value * static_cast<double>(scheduler::kWhole));
}

namespace {

/// Returns the optimal string alignment distance of two texts.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> two_up(b.size() + 1);
    std::vector<std::size_t> up(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(up.begin(), up.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = up[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({change, up[j] + 1, row[j - 1] + 1});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], two_up[j - 2] + 1);
            }
        }
        two_up.swap(up);
        up.swap(row);
    }
    return up[b.size()];
}

} // namespace

std::string_view nearest_word(std::string_view word, std::span<const std::string> candidates) {
    std::string_view best;
    // Very long words get no suggestion, because the comparison takes quadratic time.
    std::size_t allowed = word.size() > 64 ? 0 : std::max<std::size_t>(1, word.size() / 3);
    for (const std::string& candidate : candidates) {
        if (allowed == 0) {
            break;
        }
        const std::size_t distance = edit_distance(word, candidate);
        if (distance <= allowed) {
            best = candidate;
            allowed = distance - std::min<std::size_t>(distance, 1);
        }
    }
    return best;
}

std::string suggestion(
    std::string_view word,
    std::span<const std::string> candidates,
    const std::string& otherwise,
    char quote
) {
    const std::string_view near = nearest_word(word, candidates);
    return near.empty() ? otherwise : fmt::format("did you mean {0}{1}{0}?", quote, near);
}

std::string shortened_list(std::span<const std::string> names) {
    constexpr std::size_t kShown = 8;
    const auto shown = names.first(std::min(names.size(), kShown));
    const std::size_t more = names.size() - shown.size();
    return fmt::format("{}", fmt::join(shown, ", ")) +
           (more == 0 ? "" : fmt::format(" and {} more", more));
}

std::string ppb_text(scheduler::Ppb value) {
    return decimal_text(static_cast<double>(value) / static_cast<double>(scheduler::kWhole));
}

std::string decimal_text(double value) {
    std::array<char, 64> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    std::string text(buffer.data(), end);
    const bool whole = std::isfinite(value) && text.find_first_of(".e") == std::string::npos;
    return whole ? text + ".0" : text;
}

std::optional<std::size_t> first_invalid_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = well_formed_length(text.substr(at));
        if (length == 0) {
            return at;
        }
        at += length;
    }
    return std::nullopt;
}

} // namespace headroom::config
