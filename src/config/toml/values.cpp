#include "config/toml/values.hpp"

#include <array>
#include <cmath>

#include <fmt/format.h>

#include "config/toml/exact.hpp"
#include "config/toml/toml_text.hpp"
#include "config/toml/unit_hints.hpp"

namespace headroom::config {

namespace {

struct QuantityWords {
    std::string_view name;
    std::string_view expected;
    std::string_view base_unit;
};

/// Returns the words for a quantity, which are in the order of the enumeration.
const QuantityWords& words_for(Quantity quantity) {
    static constexpr std::array<QuantityWords, 4> kWords{{
        {"size", "a number of bytes", "B"},
        {"speed", "a computing speed", "FLOP/s"},
        {"data rate", "a data rate", "B/s"},
        {"duration", "a duration", "ns"},
    }};
    return kWords.at(static_cast<std::size_t>(quantity));
}

/// Returns the text in quotes on one line, cut after 40 bytes but not inside a character.
std::string quoted(std::string_view text) {
    constexpr std::size_t kShown = 40;
    std::string shown;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (shown.size() >= kShown && (byte & 0xC0U) != 0x80U) {
            return fmt::format("\"{}…\"", shown);
        }
        shown += byte < 0x20 || byte == 0x7F ? ' ' : c;
    }
    return fmt::format("\"{}\"", shown);
}

} // namespace

std::vector<TomlEntry> elements_of(const TomlEntry& entry) {
    std::vector<TomlEntry> elements;
    if (const toml::array* const array = entry.node->as_array()) {
        for (const toml::node& node : *array) {
            elements.push_back({&node, fmt::format("{}.{}", entry.key, elements.size())});
        }
    }
    return elements;
}

std::string quantity_text(Quantity quantity, std::int64_t value) {
    return fmt::format("\"{} {}\"", value, words_for(quantity).base_unit);
}

std::string_view name_of(Quantity quantity) {
    return words_for(quantity).name;
}

std::string found_text(const toml::node& node) {
    if (const auto* text = node.as_string()) {
        return config::quoted(text->get());
    }
    if (node.is_table()) {
        return "a table";
    }
    return node.is_array() ? "an array" : toml_text(node).value_or("a date or time");
}

std::nullopt_t add_mismatch(
    const TomlEntry& entry, std::string_view expected, Problems& problems, std::string_view hint
) {
    const std::string found = found_text(*entry.node);
    problems.add(
        entry.node->source(),
        fmt::format("{}: expected {}; found {}{}", entry.key, expected, found, hint)
    );
    return std::nullopt;
}

std::string fraction_hint(const toml::node& node) {
    const auto* const text = node.as_string();
    return text == nullptr ? "" : percent_hint(text->get());
}

std::nullopt_t add_problem(const TomlEntry& entry, std::string_view text, Problems& problems) {
    problems.add(entry.node->source(), fmt::format("{} {}", entry.key, text));
    return std::nullopt;
}

std::string count_text(std::size_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::optional<std::string> read_text(const TomlEntry& entry, Problems& problems) {
    const auto text = entry.node->value_exact<std::string>();
    return text ? text : add_mismatch(entry, "a string", problems);
}

std::optional<bool> read_flag(const TomlEntry& entry, Problems& problems) {
    const auto flag = entry.node->value_exact<bool>();
    return flag ? flag : add_mismatch(entry, "true or false", problems);
}

std::optional<std::int64_t> read_integer(
    const TomlEntry& entry, std::int64_t low, std::int64_t high, Problems& problems
) {
    const auto* integer = entry.node->as_integer();
    if (integer != nullptr && integer->get() >= low && integer->get() <= high) {
        return integer->get();
    }
    return add_mismatch(entry, fmt::format("a whole number from {} to {}", low, high), problems);
}

std::optional<double> read_number(
    const TomlEntry& entry, double low, double high, Zero zero, Problems& problems
) {
    if (entry.node->is_number()) {
        const double value = entry.node->value<double>().value_or(NAN);
        const bool above = zero == Zero::allowed ? value >= low : value > low;
        if (above && value <= high) { // false for NaN
            return value;
        }
    }
    const std::string_view from = zero == Zero::allowed ? "from" : "above";
    const auto expected = fmt::format("a number {} {} up to {}", from, low, high);
    return add_mismatch(entry, expected, problems, fraction_hint(*entry.node));
}

std::optional<scheduler::Ppb> read_fraction(const TomlEntry& entry, Problems& problems) {
    const double value = entry.node->is_number() ? entry.node->value<double>().value_or(NAN) : NAN;
    if (value >= 0 && value <= 1) {
        return to_ppb(value);
    }
    return add_mismatch(entry, "a fraction from 0 to 1", problems, fraction_hint(*entry.node));
}

namespace {

/// Returns the quantity in base units, not yet checked against a range.
std::optional<double> quantity_number(
    const TomlEntry& entry, Quantity quantity, Problems& problems
) {
    std::optional<double> value;
    std::string hint;
    if (const auto* text = entry.node->as_string()) {
        value = parse_quantity(quantity, text->get());
        hint = quantity_hint(quantity, text->get());
    } else if (entry.node->is_number()) {
        if (quantity == Quantity::duration && entry.node->value<double>() == 0.0) {
            value = 0;
        }
        hint = " (write the number and its unit in quotes)";
    }
    if (!value || !std::isfinite(*value)) {
        const std::string_view expected = words_for(quantity).expected;
        const std::string_view example = example_of(quantity);
        const auto text = fmt::format("{} with a unit such as {}", expected, example);
        return add_mismatch(entry, text, problems, hint);
    }
    return value;
}

} // namespace

std::optional<std::int64_t> read_quantity(
    const TomlEntry& entry, Quantity quantity, Zero zero, Problems& problems
) {
    const std::optional<double> value = quantity_number(entry, quantity, problems);
    if (!value) {
        return std::nullopt;
    }
    if (*value < 0) {
        return add_mismatch(entry, "a value that is not negative", problems);
    }
    if (*value > static_cast<double>(kMaxValue)) {
        const std::string limit = fmt::format("at most 1e18 {}", words_for(quantity).base_unit);
        return add_mismatch(entry, limit, problems);
    }
    const std::int64_t whole =
        quantity == Quantity::duration ? std::llround(*value) : whole_units(*value);
    if (whole == 0 && zero == Zero::refused) {
        return add_mismatch(
            entry, fmt::format("at least 1 {}", words_for(quantity).base_unit), problems
        );
    }
    return whole;
}

} // namespace headroom::config
