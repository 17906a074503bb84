// Data for a check after `--resume`: that the tokens recorded in the trace were not changed.
#pragma once

#include <cstdint>

#include "base/wire.hpp"

namespace headroom::runtime {

/// The last token that the trace has of an unfinished sequence. A resumed run computes the
/// sequence's caches again and also samples this token again, from the logits of the token before.
/// These logits depend on all earlier tokens, so a change of any token is found. A recheck takes no
/// virtual time.
struct Recheck {
    /// The row of the turn, counted from 0, whose logits yield the token again. The turn has one
    /// row per token. -1: this turn does not sample the token again.
    std::int64_t row = -1;
    std::int32_t id = -1;              ///< the recorded token
    std::uint64_t logits_checksum = 0; ///< recorded checksum of the token's logits
    static auto wire_fields(auto& m) { return Fields() & m.row & m.id & m.logits_checksum; }
};

} // namespace headroom::runtime
