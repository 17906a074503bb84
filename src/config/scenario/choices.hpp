// The words that keys of a scenario can have as values, and the enumerations that they stand for.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "scheduler/core/cut.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::config {

enum class ClockMode : std::uint8_t { virtual_time, paced };
/// What happens when a device holds more than its memory budget: it reads weights from its storage
/// again in each forward pass (`page`), or the run ends (`fail`). `automatic` means `page` for
/// devices with storage and `fail` for others.
enum class OverloadMode : std::uint8_t { automatic, page, fail };
/// The type in which KV caches are stored, in the order of kCacheTypes.
enum class KvType : std::uint8_t { f32, f16, bf16, q8_0 };
/// Whether decoding stops while blocks (attention heads and other parts of layers) migrate. So far
/// it always stops (`stop`).
enum class MigrationMode : std::uint8_t { stop };
/// Where a device gets the weights of a block that moves to it: from the sender (`move`), or from
/// its own storage (`everywhere`: the storage of every device must then have all weights).
enum class WeightsMode : std::uint8_t { move, everywhere };
/// Where embed and lm_head may be placed. The source is the device where prompts come in.
enum class EndsMode : std::uint8_t { source, anywhere };
/// How a load (what other programs take of a device or link) changes over time. A constant load is
/// written as a number, so `constant` has no word.
enum class LoadKind : std::uint8_t { steps, uniform, walk, constant };

using Words = std::span<const std::string_view>;

constexpr auto words(const auto&... all) {
    return std::array<std::string_view, sizeof...(all)>{all...};
}

/// The spelling of an enumeration's values, in their order, in scenarios and on command lines.
template <class Enum>
inline constexpr auto kWords = words();
/// The spelling of values that are planned but not built yet, so that messages can say this.
template <class Enum>
inline constexpr auto kPlannedWords = words();

// clang-format off
template <> inline constexpr auto kWords<ClockMode> = words("virtual", "paced");
template <> inline constexpr auto kPlannedWords<ClockMode> = words("native");
template <> inline constexpr auto kWords<OverloadMode> = words("automatic", "page", "fail");
template <> inline constexpr auto kWords<KvType> = words("f32", "f16", "bf16", "q8_0");
template <> inline constexpr auto kPlannedWords<KvType> = words("q4_0");
template <> inline constexpr auto kWords<MigrationMode> = words("stop");
template <> inline constexpr auto kPlannedWords<MigrationMode> = words("live");
template <> inline constexpr auto kWords<WeightsMode> = words("move", "everywhere");
template <> inline constexpr auto kWords<EndsMode> = words("source", "anywhere");
template <> inline constexpr auto kWords<LoadKind> = words("steps", "uniform", "walk");
template <> inline constexpr auto kWords<scheduler::CostProfile> = words("physical", "paper");
template <> inline constexpr auto kWords<scheduler::Aim> = words("latency", "throughput");
template <> inline constexpr auto kWords<scheduler::PaperGather> = words("sum", "max");
template <> inline constexpr auto kWords<scheduler::PaperScore> = words("max", "weighted");
template <> inline constexpr auto kWords<scheduler::Granularity> = words("paper", "sliced");
template <> inline constexpr auto kWords<scheduler::Reduce> = words("hub", "ring");
// clang-format on

inline constexpr std::string_view kAutomaticBatch = "auto";
/// The value of `arrivals` if all requests arrive at time 0.
inline constexpr std::string_view kAtOnce = "at once";

template <class Enum>
requires(kWords<Enum>.size() > 0) [[nodiscard]] constexpr std::string_view name_of(Enum value) {
    return kWords<Enum>[static_cast<std::size_t>(value)];
}

} // namespace headroom::config
