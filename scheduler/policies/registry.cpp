#include "scheduler/policies/registry.hpp"

#include <algorithm>
#include <iterator>
#include <string>

#include "base/check.hpp"
#include "scheduler/policies/baselines/dynamic_layer.hpp"
#include "scheduler/policies/baselines/edgeshard.hpp"
#include "scheduler/policies/baselines/galaxy.hpp"
#include "scheduler/policies/baselines/given.hpp"
#include "scheduler/policies/baselines/mdi_ring.hpp"
#include "scheduler/policies/baselines/ring.hpp"
#include "scheduler/policies/baselines/simple.hpp"
#include "scheduler/policies/exact.hpp"
#include "scheduler/policies/paper.hpp"
#include "scheduler/policies/resource_aware.hpp"

namespace headroom::scheduler {
namespace {

struct PolicyRow {
    std::string_view name;
    std::string_view summary;
    Decision (*decide)(const Problem&);
    /// Raise this number in every change after which the policy may decide differently on the same
    /// problem, also if code that several policies share is changed. A replay asks the policy only
    /// for decisions of its own version, and takes those of other versions as recorded.
    int version;
    bool decides_batch_size = false;
    bool needs_only_a_problem = true;
};

constexpr int kResourceAwareVersion = 3;

/// Returns the version of a policy that starts from a decision of resource_aware. Whatever changes
/// that decision may change the policy's own. own_changes: number of changes to the policy itself.
constexpr int version_after_resource_aware(int own_changes) {
    return kResourceAwareVersion + own_changes;
}

/// The policies in the order of PolicyKind.
constexpr PolicyRow kPolicies[] = {
    {"resource_aware",
     "searches for the least delay; never worse than keeping the placement",
     decide_resource_aware,
     kResourceAwareVersion,
     true},
    {"greedy", "puts each block on the first device that has room", decide_greedy, 1},
    {"round_robin", "puts each block on the next device that has room", decide_round_robin, 1},
    {"static",
     "keeps the first placement of resource_aware",
     decide_static_first,
     version_after_resource_aware(0)},
    {"paper", "the published method for heads, reconstructed", decide_paper, 1},
    {"exact",
     "finds an optimum and proves it, or gives a bound; for small problems",
     decide_exact,
     version_after_resource_aware(1),
     true},
    {"dynamic_layer", "places whole layers anew at each decision", decide_dynamic_layer, 2},
    {"edgeshard", "contiguous layers for the least latency; placed once", decide_edgeshard, 2},
    {"edgeshard_throughput",
     "contiguous layers for the shortest stages; placed once",
     decide_edgeshard_throughput,
     2},
    {"galaxy", "every layer over all devices by speed (sliced); placed once", decide_galaxy, 1},
    {"mdi_ring", "the published split of layers on a ring; placed once", decide_mdi_ring, 1},
    {"ring", "layers on a ring, split by speed; placed once", decide_ring, 1},
    {"custom", "a policy of your own, with --policy FILE", nullptr, 1, false, false},
    {"given", "the placement in controller.placement or layers", decide_given, 1, false, false},
};

static_assert(
    std::ranges::all_of(kPolicies, [](const PolicyRow& row) { return row.version >= 1; }),
    "a row without a version"
);

const PolicyRow& row_of(PolicyKind kind) {
    const auto i = static_cast<std::size_t>(kind);
    HEADROOM_CHECK(i < std::size(kPolicies), "no policy {}", i);
    return kPolicies[i];
}

class TablePolicy final : public Policy {
  public:
    explicit TablePolicy(const PolicyRow& row) : row_(row) {}
    [[nodiscard]] std::string_view name() const override { return row_.name; }
    [[nodiscard]] std::string version() const override { return std::to_string(row_.version); }
    [[nodiscard]] Decision decide(const Problem& problem) const override {
        return row_.decide(problem);
    }
    [[nodiscard]] bool decides_batch_size() const override { return row_.decides_batch_size; }

  private:
    const PolicyRow& row_;
};

} // namespace

std::string_view name_of(PolicyKind kind) {
    return row_of(kind).name;
}

std::string_view summary_of(PolicyKind kind) {
    return row_of(kind).summary;
}

int version_of(PolicyKind kind) {
    return row_of(kind).version;
}

std::optional<PolicyKind> policy_named(std::string_view name) {
    const auto* const row = std::ranges::find(kPolicies, name, &PolicyRow::name);
    return row == std::end(kPolicies) ? std::nullopt
                                      : std::optional(PolicyKind(row - std::begin(kPolicies)));
}

std::vector<std::string_view> policy_names() {
    std::vector<std::string_view> names;
    for (const PolicyRow& row : kPolicies) {
        names.push_back(row.name);
    }
    return names;
}

bool needs_only_a_problem(PolicyKind kind) {
    return row_of(kind).needs_only_a_problem;
}

std::vector<std::string_view> policies_for_any_problem() {
    std::vector<std::string_view> names = policy_names();
    std::erase_if(names, [](std::string_view name) {
        return !needs_only_a_problem(*policy_named(name));
    });
    return names;
}

std::unique_ptr<Policy> make_policy(PolicyKind kind) {
    HEADROOM_CHECK(row_of(kind).decide != nullptr, "policy {} has no code", name_of(kind));
    return std::make_unique<TablePolicy>(row_of(kind));
}

} // namespace headroom::scheduler
