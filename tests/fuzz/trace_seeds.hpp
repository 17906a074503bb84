// Sound traces of all kinds, as bytes.
#pragma once

#include <string>
#include <vector>

namespace headroom::fuzz {

/// Of short simulated runs: one sequence and several, with operations and without, one that says
/// that it was decoded, one that was resumed, one left by a kill, one of schema version 3; and one
/// of the tests with extreme values in every table. Made once.
[[nodiscard]] const std::vector<std::string>& sound_traces();

} // namespace headroom::fuzz
