// The problems that several programs measure, by name: the generator of
// docs/explanation/instances.md at sizes that mean something to people.
#pragma once

#include <cstdint>

#include "tests/scheduler/instances/instances.hpp"

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
inline constexpr Size kHuge{"1000x80x64", 1000, 80, 64}; ///< a 70B model's layers and heads

/// Memory for half as much again as the planted placement needs; sliced: as many slices as heads.
inline scheduler::testing::Instance instance(
    const Size& size,
    std::uint64_t seed,
    scheduler::Granularity granularity = scheduler::Granularity::paper,
    scheduler::CostProfile profile = scheduler::CostProfile::physical
) {
    scheduler::testing::InstanceShape shape;
    shape.devices = size.devices;
    shape.layers = size.layers;
    shape.heads = size.heads;
    shape.memory_factor = 1.5;
    shape.granularity = granularity;
    shape.slices = size.heads;
    return scheduler::testing::planted_instance(shape, seed, profile);
}

} // namespace headroom::bench
