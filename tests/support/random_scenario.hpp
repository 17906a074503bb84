// Random scenarios that combine different devices, loads, prompts, lengths, arrivals, chunks, batch
// sizes, cuts, ends of text, and a device that loses speed and memory.
#pragma once

#include "config/scenario/scenario.hpp"

namespace headroom::support {

[[nodiscard]] config::Scenario random_scenario(std::uint64_t seed);

} // namespace headroom::support
