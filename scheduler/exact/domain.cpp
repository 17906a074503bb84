#include "scheduler/exact/domain.hpp"

#include <algorithm>

namespace headroom::scheduler::exact {

bool Domain::hosts_fixed() const {
    return std::all_of(chain.begin(), chain.end(), one) &&
           std::all_of(proj.begin(), proj.end(), one);
}

Domain whole(const Tables& tables, double worst) {
    const std::size_t n = tables.devices();
    Domain domain;
    std::uint64_t usable = 0;
    for (std::size_t d = 0; d < n; ++d) {
        usable |= tables.capacity(d) >= 0 ? std::uint64_t{1} << d : 0;
    }
    for (std::size_t i = 0; i < tables.chain_length(); ++i) {
        domain.chain.push_back(tables.chain_mask(i));
    }
    if (!tables.sliced()) {
        domain.proj.assign(tables.layers(), usable);
    }
    domain.time.assign(tables.pools().size(), {});
    if (tables.moves() && !tables.by_formula()) {
        domain.migration.most = worst;
    }
    domain.least.assign(tables.items().size() * n, 0);
    for (const Item& item : tables.items()) {
        for (std::size_t d = 0; d < n; ++d) {
            const auto units = static_cast<std::int32_t>(item.blocks.size());
            domain.most.push_back(has(usable, d) ? units : 0);
        }
    }
    domain.multipliers.assign(n + tables.lanes(), 0);
    return domain;
}

bool reachable(const Tables& tables, const Item& item, std::size_t d, double limit) {
    bool timely = item.charge[d] < kInfinite;
    tables.visit_lanes(item, d, [&](std::size_t lane, double time) {
        timely = timely && time < kInfinite && time + tables.lane_latency(lane) <= limit;
    });
    return timely;
}

} // namespace headroom::scheduler::exact
