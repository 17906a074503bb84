// The search of policy `exact`: a best-first branch and bound over boxes of placements
// (domain.hpp), each with a proven bound (relaxation.hpp). A box is dropped if its bound is not
// below the objective of the best placement found, and is split otherwise. When the search ends or
// reaches its limit, the least bound of the remaining boxes is a bound of all placements. Of boxes
// with equal bounds the older one comes first, so that the result is the same on every machine.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "scheduler/exact/domain.hpp"
#include "scheduler/exact/relaxation.hpp"
#include "scheduler/exact/tables.hpp"

namespace headroom::scheduler::exact {

/// The result of the search; times are in nanoseconds.
struct Found {
    std::optional<Placement> placement; ///< the best placement found, if any
    double objective = kInfinite;       ///< its objective
    double bound = 0;                   ///< lower bound of all objectives, with the tables' times
    bool complete = false;              ///< whether no box is left
    std::int64_t nodes = 0;
    std::int64_t operations = 0;
};

/// When the search ends although boxes remain. Both counts depend on the problem alone.
struct Limits {
    std::int64_t nodes = 0; ///< pools and shortest paths of relaxations
    /// Elementary operations of relaxations. On one core 10^6 take 2 to 3 ms.
    std::int64_t operations = std::numeric_limits<std::int64_t>::max();
};

/// Returns a placement that fits and is better than all that it returned before, or nothing. The
/// argument is the placement of a relaxation, which may need more memory than devices have, and the
/// number of operations so far.
using Improve = std::function<std::optional<Placement>(const Placement&, std::int64_t)>;

/// Statistics over relaxations of one box with different multipliers. The search splits a box where
/// its relaxations disagree.
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

class BranchAndBound {
  public:
    /// `incumbent` is a decision that fits, if one is known. `improve`, if set, is called with the
    /// placement of every relaxation.
    BranchAndBound(
        const Tables& tables, const std::optional<Decision>& incumbent, Improve improve = {}
    );
    [[nodiscard]] Found run(const Limits& limits);

  private:
    enum class Fate : std::uint8_t { dropped, split, unfinished };

    [[nodiscard]] double cutoff() const;
    [[nodiscard]] bool exhausted(const Limits& limits) const {
        return relaxation_.work() >= limits.nodes || relaxation_.operations() >= limits.operations;
    }
    void push(std::unique_ptr<Domain> domain);
    [[nodiscard]] std::unique_ptr<Domain> pop();
    [[nodiscard]] Fate improve_bound(
        Domain& domain, Trace& trace, int iterations, const Limits& limits
    );
    [[nodiscard]] bool tighten(Domain& domain, const Relaxed& relaxed);
    void consider(const Relaxed& relaxed);
    void try_candidate(const Draft& draft);
    void try_placement(Placement placement);
    [[nodiscard]] bool is_closed_by_flow(Domain& domain);
    void split(const Domain& domain, const Trace& trace);
    [[nodiscard]] bool split_hosts(const Domain& domain, const Trace& trace);
    [[nodiscard]] bool split_migration(const Domain& domain, const Trace& trace, double width);
    [[nodiscard]] bool split_interval(const Domain& domain, const Trace& trace);
    void split_units(const Domain& domain, const Trace& trace);
    void split_count(const Domain& domain, std::size_t at, std::int32_t middle);
    void split_mask(const Domain& domain, std::size_t position, bool chain, const Trace& trace);
    [[nodiscard]] bool has_equal_before(const Domain& domain, std::uint64_t mask, std::size_t d)
        const;
    void add_child(Domain child);
    /// Adds two copies of the box, after limit(low, high) has made both of them smaller.
    void add_halves(const Domain& domain, const auto& limit) {
        Domain low = domain;
        Domain high = domain;
        limit(low, high);
        add_child(std::move(low));
        add_child(std::move(high));
    }

    const Tables& tables_;
    Relaxation relaxation_;
    Improve improve_;
    std::optional<Placement> best_;
    double best_objective_;
    std::vector<std::unique_ptr<Domain>> open_; ///< remaining boxes, a heap by (bound, serial)
    std::optional<Draft> flow_;                 ///< the cheapest flow of the present box
    std::int64_t pushed_ = 0;
};

} // namespace headroom::scheduler::exact
