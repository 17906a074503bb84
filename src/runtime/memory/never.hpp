// Words for what never ends.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "scheduler/core/profile.hpp"

namespace headroom::runtime {

/// Work that began at `start` does not end at one of these rates: what of the rate is at fault and
/// what was expected, to follow "its rate" or "the link's rate".
[[nodiscard]] std::string why_never(
    std::initializer_list<const scheduler::Profile*> rates, Nanoseconds start, std::int64_t tokens
);

} // namespace headroom::runtime
