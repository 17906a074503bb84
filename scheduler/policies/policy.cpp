#include "scheduler/policies/policy.hpp"

#include <utility>

#include <fmt/format.h>

#include "base/check.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/policies/dynamic_layer.hpp"
#include "scheduler/policies/edgeshard.hpp"
#include "scheduler/policies/exact.hpp"
#include "scheduler/policies/galaxy.hpp"
#include "scheduler/policies/greedy.hpp"
#include "scheduler/policies/mdi_ring.hpp"
#include "scheduler/policies/paper.hpp"
#include "scheduler/policies/resource_aware.hpp"
#include "scheduler/policies/ring.hpp"
#include "scheduler/policies/round_robin.hpp"
#include "scheduler/policies/static_first.hpp"
#include "scheduler/search/batch_choice.hpp"

namespace headroom::scheduler {
namespace {

constexpr PolicyKind kKinds[] = {
    PolicyKind::resource_aware,
    PolicyKind::greedy,
    PolicyKind::round_robin,
    PolicyKind::static_first,
    PolicyKind::paper,
    PolicyKind::exact,
    PolicyKind::dynamic_layer,
    PolicyKind::edgeshard,
    PolicyKind::edgeshard_throughput,
    PolicyKind::galaxy,
    PolicyKind::mdi_ring,
    PolicyKind::ring,
};

} // namespace

std::string_view name_of(PolicyKind kind) {
    switch (kind) {
    case PolicyKind::resource_aware:
        return "resource_aware";
    case PolicyKind::greedy:
        return "greedy";
    case PolicyKind::round_robin:
        return "round_robin";
    case PolicyKind::static_first:
        return "static"; // a keyword of C++, hence the enumerator's longer name
    case PolicyKind::paper:
        return "paper";
    case PolicyKind::exact:
        return "exact";
    case PolicyKind::dynamic_layer:
        return "dynamic_layer";
    case PolicyKind::edgeshard:
        return "edgeshard";
    case PolicyKind::edgeshard_throughput:
        return "edgeshard_throughput";
    case PolicyKind::galaxy:
        return "galaxy";
    case PolicyKind::mdi_ring:
        return "mdi_ring";
    case PolicyKind::ring:
        return "ring";
    }
    HEADROOM_CHECK(false, "no policy {}", static_cast<int>(kind));
    return {};
}

std::optional<PolicyKind> policy_named(std::string_view name) {
    for (const PolicyKind kind : kKinds) {
        if (name_of(kind) == name) {
            return kind;
        }
    }
    return std::nullopt;
}

std::vector<std::string_view> policy_names() {
    std::vector<std::string_view> names;
    for (const PolicyKind kind : kKinds) {
        names.push_back(name_of(kind));
    }
    return names;
}

std::unique_ptr<Policy> make_policy(PolicyKind kind) {
    switch (kind) {
    case PolicyKind::resource_aware:
        return std::make_unique<ResourceAware>();
    case PolicyKind::greedy:
        return std::make_unique<Greedy>();
    case PolicyKind::round_robin:
        return std::make_unique<RoundRobin>();
    case PolicyKind::static_first:
        return std::make_unique<StaticFirst>();
    case PolicyKind::paper:
        return std::make_unique<Paper>();
    case PolicyKind::exact:
        return std::make_unique<Exact>();
    case PolicyKind::dynamic_layer:
        return std::make_unique<DynamicLayer>();
    case PolicyKind::edgeshard:
        return std::make_unique<EdgeShard>(EdgeShard::Variant::latency);
    case PolicyKind::edgeshard_throughput:
        return std::make_unique<EdgeShard>(EdgeShard::Variant::throughput);
    case PolicyKind::galaxy:
        return std::make_unique<Galaxy>();
    case PolicyKind::mdi_ring:
        return std::make_unique<MdiRing>();
    case PolicyKind::ring:
        return std::make_unique<Ring>();
    }
    HEADROOM_CHECK(false, "no policy {}", static_cast<int>(kind));
    return nullptr;
}

Decision decide(const Policy& policy, const Problem& problem) {
    Decision decision = policy.decide(problem);
    if (!policy.decides_batch_size()) {
        decision = batched(problem, std::move(decision));
    }
    const bool ends = decision.migration != kNever && decision.inference != kNever;
    if (!problem.previous || !decision.feasible || ends ||
        decision.placement == *problem.previous) {
        return decision;
    }
    Decision kept = evaluate_batched(problem, *problem.previous, "");
    kept.feasible = validate(problem, *problem.previous).ok();
    kept.evaluations = decision.evaluations;
    kept.reason = fmt::format(
        "{}{}",
        kept.feasible ? "kept: " : "",
        decision.migration == kNever
            ? "what would move never arrives; a link or a storage is down"
            : "elsewhere no token would ever end; a device or a link is down"
    );
    return kept;
}

} // namespace headroom::scheduler
