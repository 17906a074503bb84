#include "scheduler/policies/custom.hpp"

#include <algorithm>
#include <exception>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/explain/infeasibility.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler {
namespace {

constexpr std::size_t kMaxProblemsShown = 5;

bool has_one_device_per_block(const Problem& problem, const Placement& placement) {
    return placement.size() == problem.blocks->size() &&
           std::ranges::all_of(placement, [&](DeviceId d) {
               return d.valid() && d.index() < problem.snapshot.size();
           });
}

/// Returns whether devices lack memory or compute for the placement, which is otherwise correct.
bool only_needs_too_much(const Problem& problem, const Placement& placement) {
    return has_one_device_per_block(problem, placement) &&
           std::ranges::none_of(shortages_of(problem, placement), [](const AnyShortage& shortage) {
               return std::holds_alternative<NotOnSource>(shortage);
           });
}

[[noreturn]] void fail(const std::string& name, const Problem& problem, const std::string& what) {
    throw InputError(fmt::format("policy {} at context {}: {}", name, problem.context, what));
}

[[noreturn]] void refuse(
    const std::string& name, const Problem& problem, std::vector<std::string> problems
) {
    const std::size_t more = problems.size() - std::min(problems.size(), kMaxProblemsShown);
    problems.resize(problems.size() - more);
    fail(
        name,
        problem,
        fmt::format(
            "returned a placement that cannot be, expected one of {} devices for each of {} "
            "blocks\n  {}{}",
            problem.snapshot.size(),
            problem.blocks->size(),
            fmt::join(problems, "\n  "),
            more > 0 ? fmt::format("\n  and {} more", more) : ""
        )
    );
}

} // namespace

CustomPolicy::CustomPolicy(std::string name, std::string version, Place place)
    : name_(std::move(name)), version_(std::move(version)), place_(std::move(place)) {}

Decision CustomPolicy::decide(const Problem& problem) const {
    Placement placement;
    try {
        placement = place_(problem);
    } catch (const InterruptedError&) {
        throw;
    } catch (const std::exception& error) {
        fail(name_, problem, "failed, expected a placement" + indented(error.what()));
    } catch (...) {
        fail(name_, problem, "threw something that is no std::exception, expected a placement");
    }
    if (placement.empty()) {
        return refused_decision(
            fmt::format("policy {} returned no placement (None, or an empty one)", name_)
        );
    }
    Verdict verdict = validate(problem, placement);
    if (verdict.ok()) {
        Decision decision = evaluate(problem, std::move(placement));
        if (problem.previous && decision.placement == *problem.previous) {
            decision.why.outcome = Outcome::kept;
            decision.why.cause = Cause::chosen_again;
        }
        return decision;
    }
    if (only_needs_too_much(problem, placement)) {
        return infeasible_decision(problem, placement, fmt::format("placement by {}", name_));
    }
    refuse(name_, problem, std::move(verdict.problems));
}

} // namespace headroom::scheduler
