// Small fleets and shapes that the tests of this room share, and seeded random ones.
#pragma once

#include <cstdint>

#include "base/random.hpp"
#include "scheduler/core/blocks.hpp"
#include "scheduler/core/cut.hpp"
#include "scheduler/core/fleet.hpp"

namespace headroom::scheduler::testing {

/// The worked example of docs/explanation/time.md#worked-example: one layer, D 64, two heads of
/// width 32, F 128, V 100, F32.
ModelShape example_shape();
/// A: 1 GFLOP/s, B: 2 GFLOP/s, links 8 Mbit/s and 1 ms each way; source A.
Fleet example_fleet();
/// Head 0 on A, head 1 on B, proj on A, ffn on B, embed and lm_head on A.
Placement example_placement();

Profile constant_profile(std::int64_t value);
/// Equal links everywhere, unlimited memory, no caps.
Fleet equal_fleet(std::size_t devices, PerSecond compute, PerSecond bandwidth, Nanoseconds latency);

/// 1-3 layers, grouped or plain heads, gated or not, with or without ends, tied or not.
ModelShape random_shape(Random& random);
/// Heads of 8 to 48 columns and a weight type of its own for every matrix, whose quantisation
/// blocks a cut may go through.
ModelShape fine_shape(Random& random);
/// Granularity `sliced` with 1 to 9 slices: odd numbers, edges within quantisation blocks.
Cut random_cut(Random& random, const ModelShape& shape, Reduce reduce);
/// Loads of all kinds, events, caps on some devices, storage everywhere.
Fleet random_fleet(Random& random, std::size_t devices);
Placement random_placement(Random& random, std::size_t blocks, std::size_t devices);

} // namespace headroom::scheduler::testing
