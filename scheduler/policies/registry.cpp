#include "scheduler/policies/registry.hpp"

#include <algorithm>
#include <iterator>

#include "base/check.hpp"
#include "scheduler/policies/dynamic_layer.hpp"
#include "scheduler/policies/edgeshard.hpp"
#include "scheduler/policies/exact.hpp"
#include "scheduler/policies/galaxy.hpp"
#include "scheduler/policies/mdi_ring.hpp"
#include "scheduler/policies/paper.hpp"
#include "scheduler/policies/resource_aware.hpp"
#include "scheduler/policies/ring.hpp"
#include "scheduler/policies/simple.hpp"

namespace headroom::scheduler {
namespace {

struct PolicyRow {
    std::string_view name;
    std::string_view summary;
    Decision (*decide)(const Problem&);
    bool decides_batch_size = false;
};

/// The policies in the order of PolicyKind.
constexpr PolicyRow kPolicies[] = {
    {"resource_aware",
     "searches for the least delay; never worse than keeping the placement",
     decide_resource_aware,
     true},
    {"greedy", "puts each block on the first device that has room", decide_greedy},
    {"round_robin", "puts each block on the next device that has room", decide_round_robin},
    {"static", "keeps the first placement of resource_aware", decide_static_first},
    {"paper", "the published method for heads, reconstructed", decide_paper},
    {"exact",
     "finds an optimum and proves it, or gives a bound; for small problems",
     decide_exact,
     true},
    {"dynamic_layer", "places whole layers anew at each decision", decide_dynamic_layer},
    {"edgeshard", "contiguous layers for the least latency; placed once", decide_edgeshard},
    {"edgeshard_throughput",
     "contiguous layers for the shortest stages; placed once",
     decide_edgeshard_throughput},
    {"galaxy", "every layer over all devices by speed (sliced); placed once", decide_galaxy},
    {"mdi_ring", "the published split of layers on a ring; placed once", decide_mdi_ring},
    {"ring", "layers on a ring, split by speed; placed once", decide_ring},
};

const PolicyRow& row_of(PolicyKind kind) {
    const auto i = static_cast<std::size_t>(kind);
    HEADROOM_CHECK(i < std::size(kPolicies), "no policy {}", i);
    return kPolicies[i];
}

class TablePolicy final : public Policy {
  public:
    explicit TablePolicy(const PolicyRow& row) : row_(row) {}
    [[nodiscard]] std::string_view name() const override { return row_.name; }
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

std::unique_ptr<Policy> make_policy(PolicyKind kind) {
    return std::make_unique<TablePolicy>(row_of(kind));
}

} // namespace headroom::scheduler
