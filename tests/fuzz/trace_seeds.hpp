// Valid trace files, from which inputs are made.
#pragma once

#include <string>
#include <vector>

namespace headroom::fuzz {

/// Returns the files of short simulated runs: with one and several sequences, with and without
/// operations, interrupted, resumed, killed, and one of schema version 3. The last one has extreme
/// values in every table (tests/trace/sample.hpp). The files are made at the first call.
[[nodiscard]] const std::vector<std::string>& valid_traces();

} // namespace headroom::fuzz
