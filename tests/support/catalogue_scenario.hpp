// Random scenarios of devices, networks and models of the catalogue, as users have them: a few
// devices of a few kinds, a published model without weights that fits into their memory, and links
// from 4G to more than 10 Gbit/s. docs/explanation/instances.md#fleets-of-the-catalogue defines
// them.
#pragma once

#include <cstdint>
#include <string>

namespace headroom::support {

/// Returns the scenario of a seed as TOML. The model fits into the memory of the fleet as a whole;
/// in some scenarios no placement fits nevertheless.
[[nodiscard]] std::string catalogue_scenario_text(std::uint64_t seed);

} // namespace headroom::support
