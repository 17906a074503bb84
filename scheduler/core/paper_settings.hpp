// Settings for what the published method leaves open. Source: arXiv 2505.02533 as recorded in
// docs/explanation/head-level-partitioning.md.
#pragma once

#include <cstdint>

namespace headroom::scheduler {

/// How D_T charges the transfers of head outputs to the device of proj: their sum over the sending
/// devices, or the longest of them.
enum class PaperGather : std::uint8_t { sum, max };

/// How the score S(i, j) of block i on device j follows from the terms for compute, memory and
/// communication: as the largest of them, or as their sum with weights 0.4, 0.3 and 0.3.
enum class PaperScore : std::uint8_t { max, weighted };

struct PaperSettings {
    PaperGather gather = PaperGather::sum;
    PaperScore score = PaperScore::max;
    std::int64_t backtracks = 1000; ///< the most evictions of policy `paper` in one decision
    bool operator==(const PaperSettings&) const = default;
};

} // namespace headroom::scheduler
