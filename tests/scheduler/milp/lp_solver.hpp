// Solves linear programmes with whole-number variables by GLPK.
#pragma once

#include <glpk.h>
#include <map>
#include <optional>
#include <string>

namespace headroom::scheduler::testing {

/// Returns the optimum, or nothing if no solution exists; glpk then has the values of the
/// variables. GLPK's presolver is not used, because it accepts rows that are violated by up to
/// 1e-3. Throws Bug if GLPK fails.
[[nodiscard]] std::optional<double> solve_whole(glp_prob* glpk);

struct LpSolution {
    double objective = 0;
    std::map<std::string, double> values; ///< by the name of the variable
};

/// Returns the optimum, or nothing if the programme has no solution. Throws Bug if GLPK cannot read
/// the text or fails.
[[nodiscard]] std::optional<LpSolution> solve_lp(const std::string& text);

} // namespace headroom::scheduler::testing
