// The problems that several programs measure, by name: systems.md §5's generator at sizes that mean
// something to people.
#pragma once

#include <cstdint>

#include "tests/scheduler/instances.hpp"

namespace headroom::bench {

struct Size {
    const char* name;
    std::int32_t devices;
    std::int32_t layers;
    std::int32_t heads;
};

inline constexpr Size kDemo{"demo_5x4x8", 5, 4, 8}; ///< devices, layers, groups of demo.toml
inline constexpr Size kSmall{"5x8x8", 5, 8, 8};
inline constexpr Size kLarge{"25x32x32", 25, 32, 32};

/// Memory for half as much again as the planted placement needs.
inline scheduler::testing::Instance instance(const Size& size, std::uint64_t seed) {
    return scheduler::testing::planted_instance({size.devices, size.layers, size.heads, 1.5}, seed);
}

} // namespace headroom::bench
