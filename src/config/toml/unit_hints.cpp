#include "config/toml/unit_hints.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "config/toml/exact.hpp"

namespace headroom::config {

namespace {

using Words = std::vector<std::string>;

struct NumberAndUnit {
    std::string_view number;
    std::string_view unit;
    double value;
};

/// Splits a text into its number and its unit. Returns nothing if it does not begin with a number.
std::optional<NumberAndUnit> number_and_unit(std::string_view text) {
    while (text.starts_with(' ')) {
        text.remove_prefix(1);
    }
    while (text.ends_with(' ')) {
        text.remove_suffix(1);
    }
    double number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc()) {
        return std::nullopt;
    }
    const auto length = static_cast<std::size_t>(end - text.data());
    std::string_view unit = text.substr(length);
    while (unit.starts_with(' ')) {
        unit.remove_prefix(1);
    }
    return NumberAndUnit{text.substr(0, length), unit, number};
}

std::string lower_case(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    return lower;
}

/// Removes the first of the suffixes that the word ends with. Returns whether there was one.
bool take_suffix(std::string_view& word, std::initializer_list<std::string_view> suffixes) {
    for (const std::string_view suffix : suffixes) {
        if (word.ends_with(suffix)) {
            word.remove_suffix(suffix.size());
            return true;
        }
    }
    return false;
}

/// Returns the correctly written prefix k, M, G or T for a letter in either case, "" for "", and
/// nothing for other letters.
std::optional<std::string> decimal_prefix(std::string_view letter) {
    static constexpr std::array<std::string_view, 5> kPrefixes{"", "k", "M", "G", "T"};
    for (const std::string_view prefix : kPrefixes) {
        if (lower_case(prefix) == lower_case(letter)) {
            return std::string(prefix);
        }
    }
    return std::nullopt;
}

/// Returns the prefix of B or bit: a decimal prefix, or a binary one such as Ki.
std::optional<std::string> size_prefix(std::string_view letters) {
    const bool binary = letters.size() == 2 && lower_case(letters)[1] == 'i';
    auto prefix = decimal_prefix(binary ? letters.substr(0, 1) : letters);
    if (prefix && binary) {
        *prefix = (*prefix == "k" ? "K" : *prefix) + "i";
    }
    return prefix;
}

Words compute_guesses(std::string_view unit) {
    const std::string lower = lower_case(unit);
    std::string_view rest(lower);
    (void)take_suffix(rest, {"/sec", "/s"});
    if (!take_suffix(rest, {"flops", "flop"})) {
        return {};
    }
    const auto prefix = decimal_prefix(rest);
    return prefix ? Words{*prefix + "FLOP/s"} : Words{};
}

/// Returns guesses for a data rate. A lone `b` may mean bit or byte. With "ps", or after a capital
/// prefix, it usually means bit.
Words byte_rate_guesses(std::string_view unit) {
    std::string_view rest = unit;
    const bool short_form = take_suffix(rest, {"ps", "PS"});
    if (!short_form) {
        (void)take_suffix(rest, {"/sec", "/s", "/S"});
    }
    const auto with = [&](std::string_view base) {
        const auto prefix = size_prefix(rest);
        return prefix ? Words{fmt::format("{}{}/s", *prefix, base)} : Words{};
    };
    if (take_suffix(rest, {"bits", "bit", "Bits", "Bit"})) {
        return with("bit");
    }
    if (take_suffix(rest, {"bytes", "byte", "Bytes", "Byte", "B"}) || rest.ends_with("ib")) {
        (void)take_suffix(rest, {"b"});
        return with("B");
    }
    if (!take_suffix(rest, {"b"})) {
        return {};
    }
    Words guesses = with("bit");
    if (!short_form && lower_case(rest) == rest) {
        const Words bytes = with("B");
        guesses.insert(guesses.end(), bytes.begin(), bytes.end());
    }
    return guesses;
}

Words byte_guesses(std::string_view unit) {
    const std::string lower = lower_case(unit);
    std::string_view rest(lower);
    const bool named = take_suffix(rest, {"bytes", "byte", "b"});
    const auto prefix = size_prefix(rest);
    if (!prefix || (prefix->empty() && !named)) {
        return {};
    }
    return named || prefix->size() == 2 ? Words{*prefix + "B"}
                                        : Words{size_prefix(*prefix + "i").value_or("") + "B"};
}

/// A unit and the words in lower case that probably mean it.
struct NamedUnit {
    std::string_view unit;
    Words names;
    double seconds = 1; ///< of a unit of frequency: the time between two events
};

const std::array<NamedUnit, 3> kFrequencyUnits{{
    {"/s", {"s", "sec", "second", "hz"}, 1},
    {"/min", {"m", "min", "minute"}, 60},
    {"/h", {"h", "hr", "hour"}, 3600},
}};

std::string_view unit_meant(const std::string& word, std::span<const NamedUnit> units) {
    for (const NamedUnit& unit : units) {
        if (std::find(unit.names.begin(), unit.names.end(), word) != unit.names.end()) {
            return unit.unit;
        }
    }
    return "";
}

Words duration_guesses(std::string_view unit) {
    static const std::array<NamedUnit, 5> kUnits{{
        {"s", {"s", "sec", "secs", "second", "seconds"}},
        {"ms", {"ms", "msec", "msecs", "millis", "millisecond", "milliseconds"}},
        {"us", {"us", "usec", "usecs", "micros", "microsecond", "microseconds"}},
        {"ns", {"ns", "nsec", "nsecs", "nanos", "nanosecond", "nanoseconds"}},
        {"min", {"m", "mins", "minute", "minutes"}},
    }};
    const std::string_view meant = unit_meant(lower_case(unit), kUnits);
    return meant.empty() ? Words{} : Words{std::string(meant)};
}

Words unit_guesses(Quantity quantity, std::string_view unit) {
    switch (quantity) {
    case Quantity::bytes:
        return byte_guesses(unit);
    case Quantity::compute_rate:
        return compute_guesses(unit);
    case Quantity::byte_rate:
        return byte_rate_guesses(unit);
    case Quantity::duration:
        return duration_guesses(unit);
    }
    return {};
}

} // namespace

std::vector<std::string> quantity_guesses(Quantity quantity, std::string_view text) {
    const auto parts = number_and_unit(text);
    if (!parts) {
        return {};
    }
    Words guesses = unit_guesses(quantity, parts->unit);
    for (std::string& guess : guesses) {
        guess = fmt::format("{} {}", parts->number, guess);
    }
    std::erase_if(guesses, [&](const std::string& guess) {
        return !parse_quantity(quantity, guess); // a prefix that this quantity does not have
    });
    return guesses;
}

std::string quantity_hint(Quantity quantity, std::string_view text) {
    const Words guesses = quantity_guesses(quantity, text);
    if (guesses.empty()) {
        return "";
    }
    return fmt::format("; did you mean \"{}\"?", fmt::join(guesses, "\" or \""));
}

std::string percent_hint(std::string_view text) {
    const auto parts = number_and_unit(text);
    if (!parts || parts->unit != "%") {
        return "";
    }
    const bool usable = parts->value >= 0 && parts->value <= 100;
    return usable ? fmt::format("; did you mean {}?", ppb_text(to_ppb(parts->value / 100))) : "";
}

std::optional<double> parse_per_second(std::string_view text) {
    const auto parts = number_and_unit(text);
    for (const NamedUnit& unit : kFrequencyUnits) {
        if (parts && parts->unit == unit.unit) {
            return parts->value / unit.seconds;
        }
    }
    return std::nullopt;
}

std::string per_second_hint(std::string_view text) {
    const auto parts = number_and_unit(text);
    if (!parts) {
        return "";
    }
    const std::string unit = lower_case(parts->unit);
    std::string_view word(unit);
    for (const std::string_view separator : {"per ", "/"}) {
        if (const std::size_t at = word.rfind(separator); at != std::string_view::npos) {
            word.remove_prefix(at + separator.size());
        }
    }
    const std::string_view guess = unit_meant(std::string(word), kFrequencyUnits);
    return guess.empty() ? "" : fmt::format("; did you mean \"{} {}\"?", parts->number, guess);
}

} // namespace headroom::config
