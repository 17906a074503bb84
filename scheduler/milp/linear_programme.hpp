// A mixed-integer linear programme, and its text in the LP format of CPLEX, which most solvers
// read. All variables are at least 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace headroom::scheduler::milp {

enum class VariableKind : std::uint8_t { continuous, integer, binary };

struct Term {
    std::size_t variable = 0;
    double coefficient = 0;
};
using Terms = std::vector<Term>;

enum class Sense : std::uint8_t { at_most, equal, at_least };

class LinearProgramme {
  public:
    /// Adds a variable and returns its index. An integer variable has the upper bound `most`.
    std::size_t variable(std::string name, VariableKind kind, std::int64_t most = 0);
    void row(std::string name, Terms terms, Sense sense, double right);
    /// Adds to the objective, which is minimised.
    void cost(std::size_t variable, double coefficient);

    [[nodiscard]] std::size_t terms() const { return terms_; } ///< number of coefficients in rows
    /// Returns the programme as text. Each line of `comment` becomes a comment at the beginning.
    [[nodiscard]] std::string text(const std::string& comment) const;

  private:
    struct Variable {
        std::string name;
        VariableKind kind = VariableKind::continuous;
        std::int64_t most = 0;
        double cost = 0;
    };
    struct Row {
        std::string name;
        Terms terms;
        Sense sense = Sense::at_most;
        double right = 0;
    };
    void append_terms(std::string& text, std::string line, const Terms& terms) const;

    std::vector<Variable> variables_;
    std::vector<Row> rows_;
    std::size_t terms_ = 0;
};

/// Returns names that LP format allows, all different: letters, digits and single `_`, with a
/// number at the end where two names would be equal. So two names with `__` between them are
/// unambiguous.
[[nodiscard]] std::vector<std::string> lp_names(const std::vector<std::string>& names);

} // namespace headroom::scheduler::milp
