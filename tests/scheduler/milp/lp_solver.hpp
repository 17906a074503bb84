// Solves a text in LP format by GLPK.
#pragma once

#include <map>
#include <optional>
#include <string>

namespace headroom::scheduler::testing {

struct LpSolution {
    double objective = 0;
    std::map<std::string, double> values; ///< by the name of the variable
};

/// Returns the optimum, or nothing if the programme has no solution. Throws Bug if GLPK cannot read
/// the text or fails.
[[nodiscard]] std::optional<LpSolution> solve_lp(const std::string& text);

} // namespace headroom::scheduler::testing
