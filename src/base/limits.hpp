// Upper limits for the dimensions of a model, whether it comes from a scenario, a model file or a
// trace. They are far above all existing models, and low enough that the bytes and operations of
// one token fit in 64 bits. scheduler/size_limits checks sizes that also depend on prompts and
// sequences.
#pragma once

#include <cstdint>
#include <limits>

namespace headroom {

inline constexpr std::int64_t kMaxModelLayers = 4096;
inline constexpr std::int64_t kMaxModelHeads = 4096;
inline constexpr std::int64_t kMaxModelWidth = 262'144;
inline constexpr std::int64_t kMaxModelFfnWidth = 4'194'304;
inline constexpr std::int64_t kMaxModelContext = std::int64_t{1} << 24;
inline constexpr std::int64_t kMaxModelVocabulary = std::numeric_limits<std::int32_t>::max();
inline constexpr std::int64_t kMaxCacheElementBytes = 16; ///< bytes of one element of a cache row

} // namespace headroom
