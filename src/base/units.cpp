#include "base/units.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>

#include <fmt/format.h>

namespace headroom {

namespace {

struct Unit {
    std::string_view name;
    double factor;     ///< the unit in base units: bytes, FLOP/s, bytes/s or ns
    bool shown = true; ///< in output; the units that are ascend in factor
};

constexpr std::array kByteUnits{
    Unit{"B", 1.0},
    Unit{"kB", 1e3, false},
    Unit{"KB", 1e3, false},
    Unit{"MB", 1e6, false},
    Unit{"GB", 1e9, false},
    Unit{"TB", 1e12, false},
    Unit{"KiB", 1024.0},
    Unit{"MiB", 1048576.0},
    Unit{"GiB", 1073741824.0},
    Unit{"TiB", 1099511627776.0},
};
constexpr std::array kComputeUnits{
    Unit{"FLOP/s", 1.0},
    Unit{"kFLOP/s", 1e3},
    Unit{"MFLOP/s", 1e6},
    Unit{"GFLOP/s", 1e9},
    Unit{"TFLOP/s", 1e12},
};
constexpr std::array kByteRateUnits{
    Unit{"bit/s", 0.125},
    Unit{"kbit/s", 125.0},
    Unit{"Mbit/s", 125e3},
    Unit{"Gbit/s", 125e6},
    Unit{"B/s", 1.0, false},
    Unit{"kB/s", 1e3, false},
    Unit{"MB/s", 1e6, false},
    Unit{"GB/s", 1e9, false},
    Unit{"KiB/s", 1024.0, false},
    Unit{"MiB/s", 1048576.0, false},
    Unit{"GiB/s", 1073741824.0, false},
};
constexpr std::array kDurationUnits{
    Unit{"ns", 1.0},
    Unit{"us", 1e3},
    Unit{"µs", 1e3, false},
    Unit{"ms", 1e6},
    Unit{"s", 1e9},
    Unit{"min", 60e9, false},
};

struct QuantityText {
    std::string_view example;
    std::span<const Unit> units;
};

/// One row per Quantity, in its order.
constexpr std::array<QuantityText, 4> kQuantities{
    {{R"("4 GiB" or "512 MB")", kByteUnits},
     {R"("30 GFLOP/s")", kComputeUnits},
     {R"("100 Mbit/s" or "12 GB/s")", kByteRateUnits},
     {R"("2 ms" or "3 s")", kDurationUnits}}};

const QuantityText& text_of(Quantity quantity) {
    return kQuantities[static_cast<std::size_t>(quantity)];
}

/// Returns the value with three significant digits, in the largest unit of which it is at least 1.
std::string scaled(Quantity quantity, std::int64_t amount) {
    const auto value = static_cast<double>(amount);
    const std::span<const Unit> units = text_of(quantity).units;
    const Unit* chosen = &units.front();
    for (const Unit& unit : units) {
        if (unit.shown && std::abs(value) >= unit.factor) {
            chosen = &unit;
        }
    }
    const double shown = value / chosen->factor;
    const int digits = std::abs(shown) >= 99.95 ? 0 : std::abs(shown) >= 9.995 ? 1 : 2;
    const bool whole = chosen == &units.front() && shown == std::floor(shown);
    return fmt::format("{:.{}f} {}", shown, whole ? 0 : digits, chosen->name);
}

} // namespace

std::string_view example_of(Quantity quantity) {
    return text_of(quantity).example;
}

std::optional<double> parse_quantity(Quantity quantity, std::string_view text) {
    double number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, failure] = std::from_chars(text.data(), end, number);
    if (failure != std::errc() || !std::isfinite(number)) {
        return std::nullopt;
    }
    std::string_view unit(rest, static_cast<std::size_t>(end - rest));
    while (!unit.empty() && unit.front() == ' ') {
        unit.remove_prefix(1);
    }
    const std::span<const Unit> units = text_of(quantity).units;
    const auto found = std::ranges::find(units, unit, &Unit::name);
    return found == units.end() ? std::nullopt : std::optional(number * found->factor);
}

std::string format_bytes(Bytes bytes) {
    return scaled(Quantity::bytes, bytes);
}

std::string format_duration(Nanoseconds duration) {
    return duration == kNever ? "never" : scaled(Quantity::duration, duration);
}

std::string format_compute_rate(PerSecond flop_per_s) {
    return flop_per_s == kUnlimited ? "unlimited" : scaled(Quantity::compute_rate, flop_per_s);
}

std::string format_byte_rate(PerSecond bytes_per_s) {
    return bytes_per_s == kUnlimited ? "unlimited" : scaled(Quantity::byte_rate, bytes_per_s);
}

} // namespace headroom
