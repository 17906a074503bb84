// How large a model may be, wherever its numbers come from: a scenario, a model file, a trace. Far
// above any that there is, and low enough that the bytes and operations of one token fit 64 bits.
// What grows with prompts and sequences too is checked by scheduler/size_limits.
#pragma once

#include <cstdint>
#include <limits>

namespace headroom {

inline constexpr std::int64_t kMostLayers = 4096;
inline constexpr std::int64_t kMostHeads = 4096;
inline constexpr std::int64_t kMostWidth = 262'144;
inline constexpr std::int64_t kMostFfnWidth = 4'194'304;
inline constexpr std::int64_t kLongestContext = std::int64_t{1} << 24;
inline constexpr std::int64_t kMostVocabulary = std::numeric_limits<std::int32_t>::max();
inline constexpr std::int64_t kWidestElement = 16; ///< bytes of a number in a cache

} // namespace headroom
