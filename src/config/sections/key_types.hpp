// Functions for scenario_keys.cpp that make the types of keys (KeyType). Most keys set one member
// of a struct. The resolved text is the scenario as TOML with all defaults.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/sections/keys.hpp"
#include "config/sections/sections.hpp"
#include "config/toml/exact.hpp"

namespace headroom::config {

inline constexpr auto kPlainText = [](const auto& value) { return fmt::format("{}", value); };

/// Returns the type of a key that sets one member. read(table, key) reads the value, and
/// text(value) writes it to the resolved text. If the value in the table is wrong, the member
/// becomes `after_error` or, without `after_error`, stays as it is.
template <class T, class V, class Read, class Text>
KeyType<T> member_type(
    std::string values, V T::*member, Read read, Text text, std::optional<V> after_error = {}
) {
    const std::string standard = text(T{}.*member);
    return {
        std::move(values),
        standard.starts_with('"') ? fmt::format("`{}`", standard) : standard,
        [=](TableReader& table, std::string_view key, T& out, const KeyContext& /*unused*/) {
            if (table.find(key)) {
                const auto value = std::invoke(read, table, key);
                out.*member = value ? static_cast<V>(*value) : after_error.value_or(out.*member);
            }
        },
        [=](const T& in, const FleetConfig& /*unused*/) { return text(in.*member); },
    };
}

template <class T>
KeyType<T> flag(bool T::*member) {
    return member_type("true, false", member, &TableReader::flag, kPlainText);
}

template <class T, class V>
KeyType<T> whole(
    V T::*member, std::int64_t low, std::int64_t high = kMaxCount, std::optional<V> after_error = {}
) {
    const auto read = [=](TableReader& table, std::string_view key) {
        return table.integer(key, low, high);
    };
    const std::string values = high == kMaxCount ? fmt::format("≥ {}", low)
                               : high == std::numeric_limits<std::int64_t>::max()
                                   ? fmt::format("{} … 2⁶³−1", low)
                                   : fmt::format("{} … {}", low, high);
    return member_type(values, member, read, kPlainText, after_error);
}

template <class T>
KeyType<T> number(
    double T::*member, double high, Zero zero, std::optional<double> after_error = {}
) {
    const auto read = [=](TableReader& table, std::string_view key) {
        return table.number(key, high, zero);
    };
    const std::string values = fmt::format("{}0 … {}", zero == Zero::refused ? "above " : "", high);
    return member_type(values, member, read, decimal_text, after_error);
}

template <class T>
KeyType<T> fraction(scheduler::Ppb T::*member) {
    return member_type("fraction", member, &TableReader::fraction, ppb_text);
}

template <class T>
KeyType<T> load(LoadConfig T::*member) {
    const auto read = [](TableReader& table, std::string_view key) {
        return std::optional(read_load(table, key));
    };
    return member_type("load", member, read, load_text);
}

template <class T>
KeyType<T> policy(scheduler::PolicyKind T::*member) {
    const auto text = [](scheduler::PolicyKind kind) {
        return fmt::format("\"{}\"", scheduler::name_of(kind));
    };
    return member_type("a [policy](policies.md)", member, read_policy, text);
}

/// A factor of [fleet]; its numerator and denominator are bounded (ScaleConfig).
template <class T>
KeyType<T> scale(double T::*member) {
    return member_type("factor", member, read_scale, decimal_text);
}

template <class T>
KeyType<T> duration(Nanoseconds T::*member, Zero zero) {
    const auto read = [=](TableReader& table, std::string_view key) {
        return table.quantity(key, Quantity::duration, zero);
    };
    const auto text = [](Nanoseconds value) { return quantity_text(Quantity::duration, value); };
    KeyType<T> type = member_type("duration", member, read, text);
    type.values += zero == Zero::refused ? " above 0" : "";
    type.standard = fmt::format("`\"{} s\"`", T{}.*member / kSecond);
    return type;
}

/// A rate, size or latency that is multiplied by a factor of [fleet] later, in build_fleet. The
/// resolved text leaves the key out if the member is empty or kUnlimited.
template <class T, class V>
KeyType<T> scaled_quantity(V T::*member, Quantity quantity, double ScaleConfig::*scale) {
    const Zero zero = quantity == Quantity::duration ? Zero::allowed : Zero::refused;
    const auto value_of = [=](const T& in) {
        return std::optional<std::int64_t>(in.*member).value_or(kUnlimited);
    };
    return {
        std::string(name_of(quantity)),
        "unlimited",
        [=](TableReader& table, std::string_view key, T& out, const KeyContext& context) {
            if (table.find(key)) {
                const auto value = table.quantity(key, quantity, zero);
                out.*member = value ? V(*value) : T{}.*member;
                if (!value) {
                    return;
                }
            }
            const scheduler::Ratio factor = ratio_of(context.scales.*scale);
            check_scaled(table, key, value_of(out), zero, factor, context.catalogue_key);
        },
        [=](const T& in, const FleetConfig& /*unused*/) {
            return value_of(in) == kUnlimited ? "" : quantity_text(quantity, value_of(in));
        },
    };
}

/// The longest overhead of an operation or a message.
inline constexpr Nanoseconds kLongestOverhead = kSecond;

/// An overhead: a duration up to kLongestOverhead that `compute_scale` of [fleet] divides later, in
/// build_fleet. The resolved text leaves the key out if the overhead is 0.
template <class T>
KeyType<T> overhead(Nanoseconds T::*member) {
    return {
        "duration up to 1 s",
        "`\"0 s\"`",
        [=](TableReader& table, std::string_view key, T& out, const KeyContext& context) {
            if (const auto entry = table.find(key)) {
                out.*member =
                    table.quantity(key, Quantity::duration, Zero::allowed).value_or(out.*member);
                if (out.*member > kLongestOverhead) {
                    add_mismatch(*entry, "at most 1 s", table.problems());
                    out.*member = 0;
                }
            }
            const scheduler::Ratio compute = ratio_of(context.scales.compute);
            const scheduler::Ratio inverse{compute.denominator, compute.numerator};
            check_scaled(table, key, out.*member, Zero::allowed, inverse, context.catalogue_key);
        },
        [=](const T& in, const FleetConfig& /*unused*/) {
            return in.*member == 0 ? "" : quantity_text(Quantity::duration, in.*member);
        },
    };
}

/// Returns the words that a key can have as its value, for docs/reference/scenario.md.
inline std::string choice_values(Words words, Words planned) {
    const auto end =
        planned.size() == 0 ? "" : fmt::format("; *planned:* {}", fmt::join(planned, ", "));
    return fmt::format("`\"{}\"`{}", fmt::join(words, "\"`, `\""), end);
}

template <class T, class Enum>
KeyType<T> choice(Enum T::*member) {
    return member_type(
        choice_values(kWords<Enum>, kPlannedWords<Enum>),
        member,
        &TableReader::choice<Enum>,
        [](Enum value) { return fmt::format("\"{}\"", name_of(value)); }
    );
}

/// Returns the type of a key that needs special code: the function of sections.hpp that reads its
/// section reads the key. text(value) or text(value, fleet) writes it; without such a function the
/// resolved text leaves the key out.
template <class T, class Text = std::nullptr_t>
KeyType<T> custom(std::string values, Text text = {}) {
    KeyType<T> type{std::move(values)};
    if constexpr (std::is_invocable_v<Text, const T&>) {
        type.text = [=](const T& in, const FleetConfig& /*unused*/) { return text(in); };
    } else {
        type.text = text;
    }
    return type;
}

/// Like the function above, but for one member, which text(member) writes.
template <class T, class V, class Text>
KeyType<T> custom(std::string values, V T::*member, Text text) {
    return custom<T>(std::move(values), [=](const T& in) { return text(in.*member); });
}

/// Returns `type`, but the resolved text has the key only if condition(value) holds.
template <class T, class Condition>
KeyType<T> written_if(Condition condition, KeyType<T> type) {
    type.text = [condition, text = type.text](const T& in, const FleetConfig& fleet) {
        return condition(in) ? text(in, fleet) : "";
    };
    return type;
}

/// Returns `type`, but the resolved text leaves the key out while it has its initial value.
template <class T>
KeyType<T> if_set(KeyType<T> type) {
    type.text = [text = type.text](const T& in, const FleetConfig& fleet) {
        const std::string written = text(in, fleet);
        return written == text(T{}, fleet) ? "" : written;
    };
    return type;
}

} // namespace headroom::config
