// The switches that the published method leaves open. Source: arXiv 2505.02533 as recorded in
// docs/explanation/head-level-partitioning.md.
#pragma once

#include <cstdint>

namespace headroom::scheduler {

/// How D_T charges the gather of head outputs at proj: the sum over sending devices, or the
/// largest.
enum class PaperGather : std::uint8_t { sum, max };

/// S(i, j): the largest of compute, memory and communication, or their weighted sum (0.4, 0.3,
/// 0.3).
enum class PaperScore : std::uint8_t { max, weighted };

struct PaperSettings {
    PaperGather gather = PaperGather::sum;
    PaperScore score = PaperScore::max;
    std::int64_t backtracks = 1000; ///< evictions that policy `paper` may try in one decision
    bool operator==(const PaperSettings&) const = default;
};

} // namespace headroom::scheduler
