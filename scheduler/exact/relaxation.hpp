// The bound of a box: the objective with the constraints that couple layers priced instead of kept
// (Lagrangian relaxation).
//
// Why it is a bound. For prices m ≥ 0 and every placement x in the box that fits, with D = D_mig(x)
// in the box's interval: memory use_j(x) ≤ K_j and every lane's busy_k(x) ≤ cap_k(D), where cap_k
// is D less the lane's latency (or the line from 0 below it, while the box does not yet say whether
// the lane is used). So
//   objective(x) ≥ objective(x) + Σ m_j (use_j(x) − K_j) + Σ m_k (busy_k(x) − cap_k(D))
// and the least of the right side over all x and D, fitting or not, is not above any of them. That
// least is computed exactly: D enters linearly, and given the chain of hosts the rest falls apart
// by layer (step_cost.hpp says why) and by pool (pool_solver.hpp), so that the best chain is a
// shortest path. With caps on egress or ingress, and where the formula gathers by the slowest
// sender, the tables are themselves below the true times, and so is the bound.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "scheduler/exact/domain.hpp"
#include "scheduler/exact/pool_solver.hpp"
#include "scheduler/exact/tables.hpp"

namespace headroom::scheduler::exact {

/// A placement in counts.
struct Draft {
    std::vector<std::size_t> chain;  ///< [position]
    std::vector<std::size_t> proj;   ///< [layer]; granularity `paper`
    std::vector<std::int32_t> units; ///< [item][device]
};

struct Relaxed {
    double bound = 0;             ///< infinite: the box is empty
    Draft draft;                  ///< attains the least; fits or not
    double migration = 0;         ///< D that attains it
    std::vector<double> slope;    ///< subgradient of the bound at these multipliers
    std::vector<double> chain;    ///< [position][device] the bound if the position is there
    std::vector<double> proj;     ///< [layer][device] the same for proj
    std::vector<Interval> within; ///< [pool] ladder costs with a bound below the limit; all, while
                                  ///< hosts are open
};

class Relaxation {
  public:
    explicit Relaxation(const Tables& tables);

    /// Precondition: every mask of the domain has a device. limit: bounds from there on are all the
    /// same to the caller.
    const Relaxed& solve(const Domain& domain, const Multipliers& multipliers, double limit);
    /// Pools solved so far: the unit of work.
    [[nodiscard]] std::int64_t work() const { return work_; }

  private:
    void set_prices(const Multipliers& multipliers);
    [[nodiscard]] double price(const Item& item, std::size_t d) const;
    void load(std::size_t pool);
    void solve_pools();
    [[nodiscard]] double solve_groups(std::size_t pool, std::size_t key, std::size_t proj);
    void join_layers();
    void shortest_chain(std::uint64_t embeds);
    void weigh_chain(std::uint64_t embeds);
    void forward();
    void backward();
    void collect(double slack);
    void collect_pool(std::size_t pool, double slack);
    void constant_terms(const Multipliers& multipliers);
    void find_slope();
    [[nodiscard]] double lane_cap(std::size_t lane, double migration) const;
    void use(const Item& item, std::size_t d, std::int32_t count);
    [[nodiscard]] std::size_t at(std::size_t layer, std::size_t a, std::size_t b) const {
        return (layer * n_ + a) * n_ + b;
    }

    const Tables& tables_;
    const Domain* domain_ = nullptr;
    std::size_t n_;
    double memory_scale_ = 1;
    PoolSolver solver_;
    std::int64_t work_ = 0;
    std::vector<double> memory_price_; ///< [device] per byte
    std::vector<double> lane_price_;   ///< [lane] per ns
    std::vector<double> pool_price_;   ///< [item of the pool][device]
    std::vector<double> proj_price_;   ///< [layer][device]
    std::vector<double> groups_;       ///< [layer][key][proj]
    std::vector<double> slices_;       ///< [layer][hub]
    std::vector<double> layer_;        ///< [layer][holder][ffn]
    std::vector<std::size_t> via_;     ///< [layer][holder][ffn] best proj
    std::vector<double> node_;         ///< [position][device]
    std::vector<double> to_;           ///< [position][device] from the start to here, inclusive
    std::vector<double> from_;         ///< [position][device] from here to the end, exclusive
    double constant_ = 0;
    std::vector<double> used_;
    std::vector<double> busy_;
    Relaxed result_;
};

/// Bytes that one step of a memory multiplier is about.
[[nodiscard]] double memory_scale(const Tables& tables);

} // namespace headroom::scheduler::exact
