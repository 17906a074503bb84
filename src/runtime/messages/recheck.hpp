// What a run that goes on checks of the tokens that it goes on from.
#pragma once

#include <cstdint>

namespace headroom::runtime {

/// The last token of a sequence whose run was broken off, as the trace has it. Where caches are
/// computed again it is sampled once more, from the row of the token before it: the logits depend
/// on every token up to there, so one that was changed is found. This takes no virtual time.
struct Recheck {
    std::int64_t row = -1; ///< of the turn; -1: not in this one
    std::int32_t id = -1;
    std::uint64_t logits_checksum = 0;
};

} // namespace headroom::runtime
