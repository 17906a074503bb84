#include "base/units.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace headroom {

namespace {

struct Unit {
    std::string_view name;
    double factor; ///< the unit in base units: bytes, FLOP/s, bytes/s or ns
};

constexpr std::array kByteUnits{
    Unit{"B", 1.0},
    Unit{"kB", 1e3},
    Unit{"KB", 1e3},
    Unit{"MB", 1e6},
    Unit{"GB", 1e9},
    Unit{"TB", 1e12},
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
    Unit{"B/s", 1.0},
    Unit{"kB/s", 1e3},
    Unit{"MB/s", 1e6},
    Unit{"GB/s", 1e9},
    Unit{"KiB/s", 1024.0},
    Unit{"MiB/s", 1048576.0},
    Unit{"GiB/s", 1073741824.0},
};
constexpr std::array kDurationUnits{
    Unit{"ns", 1.0},
    Unit{"us", 1e3},
    Unit{"µs", 1e3},
    Unit{"ms", 1e6},
    Unit{"s", 1e9},
    Unit{"min", 60e9},
};

template <std::size_t N>
std::optional<double> factor_of(const std::array<Unit, N>& units, std::string_view name) {
    for (const Unit& unit : units) {
        if (unit.name == name) {
            return unit.factor;
        }
    }
    return std::nullopt;
}

std::optional<double> factor_of(Quantity quantity, std::string_view name) {
    switch (quantity) {
    case Quantity::bytes:
        return factor_of(kByteUnits, name);
    case Quantity::compute_rate:
        return factor_of(kComputeUnits, name);
    case Quantity::byte_rate:
        return factor_of(kByteRateUnits, name);
    case Quantity::duration:
        return factor_of(kDurationUnits, name);
    }
    return std::nullopt;
}

/// Returns the value with three significant digits, in the largest unit of which it is at least 1.
template <std::size_t N>
std::string scaled(double value, const std::array<Unit, N>& ascending) {
    const Unit* chosen = &ascending.front();
    for (const Unit& unit : ascending) {
        if (std::abs(value) >= unit.factor) {
            chosen = &unit;
        }
    }
    const double shown = value / chosen->factor;
    const int digits = std::abs(shown) >= 99.95 ? 0 : std::abs(shown) >= 9.995 ? 1 : 2;
    const bool whole = chosen == &ascending.front() && shown == std::floor(shown);
    return fmt::format("{:.{}f} {}", shown, whole ? 0 : digits, chosen->name);
}

} // namespace

std::string_view example_of(Quantity quantity) {
    switch (quantity) {
    case Quantity::bytes:
        return R"("4 GiB" or "512 MB")";
    case Quantity::compute_rate:
        return R"("30 GFLOP/s")";
    case Quantity::byte_rate:
        return R"("100 Mbit/s" or "12 GB/s")";
    case Quantity::duration:
        return R"("2 ms" or "3 s")";
    }
    return "";
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
    const std::optional<double> factor = factor_of(quantity, unit);
    return factor ? std::optional(number * *factor) : std::nullopt;
}

std::string format_bytes(Bytes bytes) {
    static constexpr std::array kShown{
        Unit{"B", 1.0},
        Unit{"KiB", 1024.0},
        Unit{"MiB", 1048576.0},
        Unit{"GiB", 1073741824.0},
        Unit{"TiB", 1099511627776.0},
    };
    return scaled(static_cast<double>(bytes), kShown);
}

std::string format_duration(Nanoseconds duration) {
    if (duration == kNever) {
        return "never";
    }
    static constexpr std::array kShown{
        Unit{"ns", 1.0},
        Unit{"us", 1e3},
        Unit{"ms", 1e6},
        Unit{"s", 1e9},
    };
    return scaled(static_cast<double>(duration), kShown);
}

std::string format_compute_rate(PerSecond flop_per_s) {
    return flop_per_s == kUnlimited ? "unlimited"
                                    : scaled(static_cast<double>(flop_per_s), kComputeUnits);
}

std::string format_byte_rate(PerSecond bytes_per_s) {
    static constexpr std::array kShown{
        Unit{"bit/s", 0.125},
        Unit{"kbit/s", 125.0},
        Unit{"Mbit/s", 125e3},
        Unit{"Gbit/s", 125e6},
    };
    return bytes_per_s == kUnlimited ? "unlimited"
                                     : scaled(static_cast<double>(bytes_per_s), kShown);
}

} // namespace headroom
