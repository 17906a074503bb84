#include "scheduler/milp/linear_programme.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace headroom::scheduler::milp {
namespace {

constexpr std::size_t kLineWidth = 100;
constexpr std::size_t kLongestName = 40;

bool is_allowed(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

} // namespace

std::size_t LinearProgramme::variable(std::string name, VariableKind kind, std::int64_t most) {
    variables_.push_back({std::move(name), kind, most, 0});
    return variables_.size() - 1;
}

void LinearProgramme::row(std::string name, Terms terms, Sense sense, double right) {
    std::ranges::stable_sort(terms, {}, &Term::variable);
    Terms sums; // the format allows each variable once
    for (const Term& term : terms) {
        if (sums.empty() || sums.back().variable != term.variable) {
            sums.push_back(term);
        } else {
            sums.back().coefficient += term.coefficient;
        }
    }
    terms = std::move(sums);
    std::erase_if(terms, [](const Term& term) { return term.coefficient == 0; });
    if (terms.empty()) {
        if (sense == Sense::at_most ? right >= 0
            : sense == Sense::equal ? right == 0
                                    : right <= 0) {
            return;
        }
        terms.push_back({0, 0.0}); // a row that cannot be satisfied; the format needs a variable
    }
    terms_ += terms.size();
    rows_.push_back({std::move(name), std::move(terms), sense, right});
}

void LinearProgramme::cost(std::size_t variable, double coefficient) {
    variables_[variable].cost += coefficient;
}

/// Appends the terms to the text, in lines of limited width. `line` is the beginning of the first.
void LinearProgramme::append_terms(std::string& text, std::string line, const Terms& terms) const {
    for (const Term& term : terms) {
        const std::string part = fmt::format(
            " {} {} {}",
            std::signbit(term.coefficient) ? '-' : '+',
            std::abs(term.coefficient),
            variables_[term.variable].name
        );
        if (line.size() + part.size() > kLineWidth) {
            text += line + "\n";
            line = "  ";
        }
        line += part;
    }
    text += line;
}

std::string LinearProgramme::text(const std::string& comment) const {
    std::string text;
    for (std::size_t begin = 0; begin < comment.size();) {
        const std::size_t end = std::min(comment.find('\n', begin), comment.size());
        text += fmt::format("\\ {}\n", comment.substr(begin, end - begin));
        begin = end + 1;
    }
    Terms costs;
    for (std::size_t v = 0; v < variables_.size(); ++v) {
        if (variables_[v].cost != 0) {
            costs.push_back({v, variables_[v].cost});
        }
    }
    if (costs.empty()) {
        costs.push_back({0, 0.0});
    }
    text += "Minimize\n";
    append_terms(text, " objective:", costs);
    text += "\nSubject To\n";
    for (const Row& row : rows_) {
        constexpr const char* kSenses[] = {"<=", "=", ">="};
        append_terms(text, fmt::format(" {}:", row.name), row.terms);
        text += fmt::format(" {} {}\n", kSenses[static_cast<int>(row.sense)], row.right);
    }
    text += "Bounds\n";
    const auto list = [&](VariableKind kind, const char* title) {
        text += fmt::format("{}\n", title);
        for (const Variable& v : variables_) {
            text += v.kind == kind ? fmt::format(" {}\n", v.name) : "";
        }
    };
    for (const Variable& v : variables_) {
        if (v.kind == VariableKind::integer) {
            text += fmt::format(" 0 <= {} <= {}\n", v.name, v.most);
        }
    }
    list(VariableKind::integer, "General");
    list(VariableKind::binary, "Binary");
    return text + "End\n";
}

std::vector<std::string> lp_names(const std::vector<std::string>& names) {
    std::set<std::string> taken;
    std::vector<std::string> result;
    for (const std::string& name : names) {
        std::string plain;
        for (const char c : name.substr(0, kLongestName)) {
            if (is_allowed(c)) {
                plain += c;
            } else if (!plain.empty() && plain.back() != '_') {
                plain += '_';
            }
        }
        plain += plain.empty() || plain.back() == '_' ? "d" : "";
        std::string unique = plain;
        for (int n = 2; !taken.insert(unique).second; ++n) {
            unique = fmt::format("{}_{}", plain, n);
        }
        result.push_back(unique);
    }
    return result;
}

} // namespace headroom::scheduler::milp
