// Makes errors for operations and messages that never end in virtual time. The reason is a rate
// that stays 0, or one so low that the work would exceed a limit, such as one year of virtual time.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "base/block.hpp"
#include "base/error.hpp"
#include "scheduler/core/fleet.hpp"
#include "scheduler/timing/timeline.hpp"

namespace headroom::runtime {

/// Returns why work that began at `start` never ends at these rates, such as "stays 0, expected it
/// to rise again". The caller puts the text after "its rate" or "the link's rate". tokens: the
/// number of sampled tokens, on which rates can depend.
[[nodiscard]] std::string never_ends_because(
    std::initializer_list<const scheduler::Profile*> rates, Nanoseconds start, std::int64_t tokens
);

/// Returns the error for an operation on `block` that never ends. tokens: as above.
[[nodiscard]] StuckError never_finishes(
    const scheduler::Fleet& fleet,
    const scheduler::OpRecord& operation,
    const BlockName& block,
    std::int64_t tokens
);

/// Returns the error for a message that never arrives. tokens: as above.
[[nodiscard]] StuckError never_arrives(
    const scheduler::Fleet& fleet, const scheduler::MessageRecord& message, std::int64_t tokens
);

} // namespace headroom::runtime
