// Random mixes of everything that a run can have: devices, loads, prompts, lengths, arrivals,
// chunks, joined turns, cuts, ends of text, a device that loses speed and memory.
#pragma once

#include "config/scenario/scenario.hpp"

namespace headroom::support {

[[nodiscard]] config::Scenario random_scenario(std::uint64_t seed);

} // namespace headroom::support
