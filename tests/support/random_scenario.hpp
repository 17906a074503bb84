// Random scenarios that combine different devices, loads, prompts, lengths, arrivals, chunks, batch
// sizes, cuts, ends of text, and a device that loses speed and memory. Two thirds of them also have
// costs of real devices: rates of weight types, overheads, jitter, loss and shared media.
#pragma once

#include "config/scenario/scenario.hpp"

namespace headroom::support {

[[nodiscard]] config::Scenario random_scenario(std::uint64_t seed);

/// Adds random costs of real devices. The fleet is built anew from scenario.declared, so changes of
/// scenario.fleet must come later.
void add_random_costs(config::Scenario& scenario, std::uint64_t seed);

} // namespace headroom::support
