// Reads one TOML value at a time and checks its type, unit and range. Each read_… function returns
// the value. If the value is wrong, the function adds a problem (a message that says what was
// expected and what was found) and returns nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "base/units.hpp"
#include "config/toml/problems.hpp"
#include "scheduler/rates/profile.hpp"

namespace headroom::config {

/// A value of the document with its dotted key. The key contains the indices of list elements:
/// device.0.memory.
struct TomlEntry {
    const toml::node* node = nullptr;
    std::string key;
};

/// Returns the elements of an array, or an empty list if the value is no array.
[[nodiscard]] std::vector<TomlEntry> elements_of(const TomlEntry& entry);

/// The largest value of a key that counts something, such as tokens.
inline constexpr std::int64_t kMaxCount = 1'000'000'000;
/// The largest number of requests. Also the largest number of sequences that are decoded at once.
inline constexpr std::int64_t kMaxRequests = 1'000'000;
inline constexpr double kMaxFactor = 1000;

/// Whether the lower end of a range is a valid value. The lower end is 0 in most cases.
enum class Zero : std::uint8_t { allowed, refused };

/// Adds the problem `{key}: expected {expected}; found {value}{hint}`. Returns std::nullopt, so
/// that a read_… function can return the result of this call.
std::nullopt_t add_mismatch(
    const TomlEntry& entry,
    std::string_view expected,
    Problems& problems,
    std::string_view hint = ""
);
/// Returns `; did you mean 0.5?` for a string such as "50 %", or "" for other values.
[[nodiscard]] std::string fraction_hint(const toml::node& node);
/// Adds the problem `{key} {text}`, and returns std::nullopt like add_mismatch().
std::nullopt_t add_problem(const TomlEntry& entry, std::string_view text, Problems& problems);
/// Returns a short text for the value in messages: `"4 GHz"`, `17`, `a table`.
[[nodiscard]] std::string found_text(const toml::node& node);

/// Returns the quantity with its base unit as TOML: `"1000 B"`, `"1000000000 ns"`.
[[nodiscard]] std::string quantity_text(Quantity quantity, std::int64_t value);
/// Returns the name that docs/reference/scenario.md has for a quantity: "size", "duration".
[[nodiscard]] std::string_view name_of(Quantity quantity);

/// Returns the count with its noun: "1 prompt", "3 prompts".
[[nodiscard]] std::string count_text(std::size_t count, std::string_view noun);

[[nodiscard]] std::optional<std::string> read_text(const TomlEntry& entry, Problems& problems);
[[nodiscard]] std::optional<bool> read_flag(const TomlEntry& entry, Problems& problems);
[[nodiscard]] std::optional<std::int64_t> read_integer(
    const TomlEntry& entry, std::int64_t low, std::int64_t high, Problems& problems
);
/// Reads a finite number in [low, high], or in (low, high] with Zero::refused.
[[nodiscard]] std::optional<double> read_number(
    const TomlEntry& entry, double low, double high, Zero zero, Problems& problems
);
[[nodiscard]] std::optional<scheduler::Ppb> read_fraction(
    const TomlEntry& entry, Problems& problems
);
/// Reads a quantity with a unit and returns it in base units (bytes, FLOP/s, bytes/s, ns).
/// Durations are rounded to the nearest nanosecond, all other quantities down. A number without a
/// unit is a problem, except for a duration of 0.
[[nodiscard]] std::optional<std::int64_t> read_quantity(
    const TomlEntry& entry, Quantity quantity, Zero zero, Problems& problems
);

} // namespace headroom::config
