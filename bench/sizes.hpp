// The problem sizes that several benchmark programs share. The problems come from the random
// generator that docs/explanation/instances.md describes.
#pragma once

#include <cstdint>

#include "tests/scheduler/instances/instances.hpp"

namespace headroom::bench {

/// A size of problems. Its name is devices x layers x heads.
struct Size {
    const char* name;
    std::int32_t devices;
    std::int32_t layers;
    std::int32_t heads;
};

inline constexpr Size kDemo{"demo_5x4x8", 5, 4, 8}; ///< the size of the scenario demo.toml
inline constexpr Size kSmall{"5x8x8", 5, 8, 8};
inline constexpr Size kLarge{"25x32x32", 25, 32, 32};
inline constexpr Size kHuge{
    "1000x80x64", 1000, 80, 64}; ///< layers and heads of a model with 70 billion weights

/// Returns the random problem of this size and seed. It is built around a placement (the planted
/// one), and each device has 1.5 times the memory that this placement needs. In granularity
/// `sliced` a layer has as many slices as heads.
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
