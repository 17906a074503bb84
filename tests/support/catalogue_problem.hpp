// Problems of the scenarios of catalogue_scenario.hpp: the first decision of a run, or a later one
// with the placement that is then in force.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "config/scenario/scenario.hpp"
#include "scheduler/core/blocks.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::support {

/// A problem together with what it was made of.
struct CatalogueProblem {
    std::uint64_t seed = 0;
    std::string text; ///< the scenario as TOML
    config::Scenario scenario;
    std::unique_ptr<scheduler::Blocks> blocks;
    scheduler::Problem problem; ///< points to *blocks
    /// The policy that made the previous placement, or "random"; empty if there is none.
    std::string previous_by;
};

/// Returns the problem of a seed. The same seed gives the same problem on every machine.
[[nodiscard]] CatalogueProblem catalogue_problem(std::uint64_t seed);

/// Describes the problem in a few lines: model, devices, links, sequences, previous placement.
[[nodiscard]] std::string description(const CatalogueProblem& problem);

} // namespace headroom::support
