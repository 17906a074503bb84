#include "support/never_behind.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "scheduler/core/validate.hpp"
#include "scheduler/policies/registry.hpp"
#include "scheduler/search/batch_choice.hpp"
#include "scheduler/search/memory_headroom.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::support {

namespace {

using scheduler::Decision;
using scheduler::PolicyKind;
using scheduler::Problem;

/// Returns the problem with the safe memory only, with half of the rest, and with all memory.
std::vector<Problem> by_memory(const Problem& problem) {
    std::vector<Problem> problems;
    for (const scheduler::Risk risk : {scheduler::Risk::none, scheduler::Risk::half}) {
        if (std::optional<Problem> careful = scheduler::cautious(problem, risk)) {
            problems.push_back(std::move(*careful));
        }
    }
    problems.push_back(scheduler::careless(problem));
    return problems;
}

bool fits(const Problem& problem, const Decision& decision) {
    return decision.feasible && scheduler::validate(problem, decision.placement).ok();
}

std::vector<PolicyRow> ask_others(const Problem& problem) {
    std::vector<PolicyRow> rows;
    for (const std::string_view name : scheduler::policies_for_any_problem()) {
        const PolicyKind kind = *scheduler::policy_named(name);
        if (kind != PolicyKind::resource_aware && kind != PolicyKind::exact) {
            const auto policy = scheduler::make_policy(kind);
            const Decision decision = scheduler::decide(*policy, problem);
            const bool feasible = fits(problem, decision);
            rows.push_back(
                {std::string(policy->name()),
                 feasible,
                 feasible ? scheduler::objective(problem, decision) : 0}
            );
        }
    }
    return rows;
}

/// Returns what is wrong with a decision that its policy calls feasible, or "".
std::string fault_of(const Problem& problem, const Decision& decision) {
    const scheduler::Verdict verdict = scheduler::validate(problem, decision.placement);
    if (!verdict.ok()) {
        return fmt::format("the placement is refused: {}", fmt::join(verdict.problems, "; "));
    }
    const double claimed = scheduler::objective(problem, decision);
    const double found = scheduler::objective(
        problem, scheduler::evaluate(problem, decision.placement, decision.batch)
    );
    return claimed == found ? ""
                            : fmt::format("claims {} s, the placement has {} s", claimed, found);
}

} // namespace

const PolicyRow* Comparison::best() const {
    const PolicyRow* best = nullptr;
    for (const PolicyRow& row : others) {
        if (row.feasible && (best == nullptr || row.objective_s < best->objective_s)) {
            best = &row;
        }
    }
    return best;
}

double Comparison::ratio() const {
    const PolicyRow* const other = best();
    const bool comparable = other != nullptr && ours.feasible &&
                            other->objective_s < std::numeric_limits<double>::infinity();
    return comparable ? ours.objective_s / other->objective_s : 1;
}

Comparison compare_with_all(const scheduler::Policy& ours, const Problem& problem) {
    Comparison comparison;
    const Decision decision = scheduler::decide(ours, problem);
    comparison.ours = {
        std::string(ours.name()),
        decision.feasible,
        decision.feasible ? scheduler::objective(problem, decision) : 0};
    if (decision.feasible) {
        comparison.fault = fault_of(problem, decision);
    }
    for (const Problem& level : by_memory(problem)) {
        comparison.others = ask_others(level);
        if (comparison.best() != nullptr || fits(level, decision)) {
            break;
        }
    }
    if (problem.previous) {
        const Decision stay = scheduler::evaluate_batched(problem, *problem.previous);
        const bool feasible = fits(problem, stay);
        comparison.others.push_back(
            {kStay, feasible, feasible ? scheduler::objective(problem, stay) : 0}
        );
    }
    return comparison;
}

std::string complaint(const Comparison& comparison) {
    if (!comparison.fault.empty()) {
        return comparison.fault;
    }
    const PolicyRow* const best = comparison.best();
    if (best == nullptr) {
        return "";
    }
    if (!comparison.ours.feasible) {
        return fmt::format("no placement, but {} has one", best->name);
    }
    if (comparison.ours.objective_s > best->objective_s) {
        return fmt::format(
            "{:.6g} s, {:.4f} times the {:.6g} s of {}",
            comparison.ours.objective_s,
            comparison.ours.objective_s / best->objective_s,
            best->objective_s,
            best->name
        );
    }
    return "";
}

std::string table(const Comparison& comparison) {
    std::vector<PolicyRow> rows = comparison.others;
    rows.insert(rows.begin(), comparison.ours);
    std::stable_sort(rows.begin(), rows.end(), [](const PolicyRow& a, const PolicyRow& b) {
        return a.feasible != b.feasible ? a.feasible : a.objective_s < b.objective_s;
    });
    std::string text;
    for (const PolicyRow& row : rows) {
        text += row.feasible ? fmt::format("  {:<22}{:>14.6f} s\n", row.name, row.objective_s)
                             : fmt::format("  {:<22}{:>16}\n", row.name, "no placement");
    }
    return text;
}

} // namespace headroom::support
