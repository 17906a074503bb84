// Statistics over relaxations of one box (a set of placements) with different multipliers. The
// search splits a box where its relaxations disagree.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "scheduler/exact/relaxation.hpp"
#include "scheduler/exact/tables.hpp"

namespace headroom::scheduler::exact {

struct Trace {
    explicit Trace(const Tables& tables)
        : chain(tables.chain_length() * tables.devices()), proj(tables.layers() * tables.devices()),
          chain_bound(chain.size(), -kInfinite), proj_bound(proj.size(), -kInfinite),
          units(tables.items().size() * tables.devices()) {}

    double seen = 0;                 ///< number of relaxations
    std::vector<double> chain;       ///< [position][device]: how often this host was chosen
    std::vector<double> proj;        ///< [layer][device]: how often this host was chosen
    std::vector<double> chain_bound; ///< [position][device]: best bound with this host
    std::vector<double> proj_bound;  ///< [layer][device]: best bound with this host
    std::vector<double> units;       ///< [item][device]: sum of the counts
    double migration = 0;            ///< sum of D_mig

    void add(const Tables& tables, const Relaxed& relaxed) {
        const std::size_t n = tables.devices();
        seen += 1;
        migration += relaxed.migration;
        for (std::size_t i = 0; i < relaxed.draft.chain.size(); ++i) {
            chain[i * n + relaxed.draft.chain[i]] += 1;
        }
        for (std::size_t l = 0; l < relaxed.draft.proj.size(); ++l) {
            proj[l * n + relaxed.draft.proj[l]] += 1;
        }
        for (std::size_t k = 0; k < relaxed.chain.size(); ++k) {
            chain_bound[k] = std::max(chain_bound[k], relaxed.chain[k]);
        }
        for (std::size_t k = 0; k < relaxed.proj.size(); ++k) {
            proj_bound[k] = std::max(proj_bound[k], relaxed.proj[k]);
        }
        for (std::size_t k = 0; k < units.size(); ++k) {
            units[k] += relaxed.draft.units[k];
        }
    }
};

} // namespace headroom::scheduler::exact
