// One TOML value at a time: the right type, unit and range, or a problem that says what was
// expected and what was found.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <toml++/toml.h>

#include "base/units.hpp"
#include "config/toml/problems.hpp"
#include "scheduler/core/profile.hpp"

namespace headroom::config {

/// A value and the dotted key that leads to it, with indices: device.0.memory.
struct Site {
    const toml::node* node = nullptr;
    std::string key;
};

/// Largest count of anything that is counted (tokens, rounds, devices).
inline constexpr std::int64_t kMaxCount = 1'000'000'000;
/// Most requests of a workload, and sequences in flight.
inline constexpr std::int64_t kMaxRequests = 1'000'000;
/// Largest factor of an event.
inline constexpr double kMaxFactor = 1000;

enum class Zero : std::uint8_t { allowed, refused };

/// `expected {expected}; found …{hint}` at the site.
void add_mismatch(
    const Site& site, std::string_view expected, Problems& problems, std::string_view hint = ""
);
/// What was meant instead of a fraction: 0.5 for "50 %"; or empty.
[[nodiscard]] std::string fraction_hint(const toml::node& node);
/// `{key} {text}` at the site.
void add_about(const Site& site, std::string_view text, Problems& problems);
/// What stands there, shortened: "4 GHz", 17, a table.
[[nodiscard]] std::string found_text(const toml::node& node);

/// "1 prompt", "3 prompts".
[[nodiscard]] std::string counted(std::size_t count, std::string_view noun);

[[nodiscard]] std::optional<std::string> read_text(const Site& site, Problems& problems);
[[nodiscard]] std::optional<bool> read_flag(const Site& site, Problems& problems);
[[nodiscard]] std::optional<std::int64_t> read_integer(
    const Site& site, std::int64_t low, std::int64_t high, Problems& problems
);
/// Finite and in [low, high], low itself only if it is allowed.
[[nodiscard]] std::optional<double> read_number(
    const Site& site, double low, double high, Zero zero, Problems& problems
);
/// A fraction from 0 to 1.
[[nodiscard]] std::optional<scheduler::Ppb> read_fraction(const Site& site, Problems& problems);
/// A quantity with a unit; durations to the nearest nanosecond, the others rounded down. A bare 0
/// is a duration.
[[nodiscard]] std::optional<std::int64_t> read_quantity(
    const Site& site, Quantity quantity, Zero zero, Problems& problems
);

} // namespace headroom::config
