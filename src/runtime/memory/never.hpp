// Error texts for operations and messages that never end.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "scheduler/core/profile.hpp"

namespace headroom::runtime {

/// Returns why work that began at `start` never ends at these rates, and what was expected. The
/// text continues a sentence that ends with "its rate" or "the link's rate". tokens: the number of
/// sampled tokens, on which rates can depend.
[[nodiscard]] std::string never_ends_because(
    std::initializer_list<const scheduler::Profile*> rates, Nanoseconds start, std::int64_t tokens
);

} // namespace headroom::runtime
