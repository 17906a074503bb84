// Computes the lower bound of a box (a set of placements, domain.hpp) by Lagrangian relaxation:
// prices replace the constraints that couple layers.
//
// Why this is a bound: let m ≥ 0 be prices, x a placement in the box that fits, and D = D_mig(x).
// Then the bytes used on each device satisfy use_j(x) ≤ K_j, and the busy time of each lane (a link
// or a storage) satisfies busy_k(x) ≤ cap_k(D). Here cap_k(D) is D minus the latency of the lane;
// while the box leaves open whether the lane is used, cap_k is a line through 0 that is nowhere
// below this. Hence
//   objective(x) ≥ objective(x) + Σ m_j (use_j(x) − K_j) + Σ m_k (busy_k(x) − cap_k(D)),
// and the minimum of the right side over all x and D, fitting or not, is a lower bound. The minimum
// is computed exactly: D enters linearly, and for a given chain of hosts the rest separates into
// layers (step_cost.hpp says why) and pools (pool_solver.hpp), so the best chain is a shortest
// path (host_path.hpp). There are many pairs of hosts, so at first each pool costs a lower bound
// that needs no solver. Then the pools on the best chain are solved and the best chain is searched
// again, until all pools on it are solved. With caps, message overheads or shared media, if groups
// exchange sums between their parts, and with PaperGather::max, the tables contain lower bounds of
// the true times, so the result is still a bound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "scheduler/exact/domain.hpp"
#include "scheduler/exact/drafts.hpp"
#include "scheduler/exact/host_path.hpp"
#include "scheduler/exact/pool_solver.hpp"
#include "scheduler/exact/tables.hpp"

namespace headroom::scheduler::exact {

/// The solution of the relaxation for one box and one set of multipliers.
struct Relaxed {
    double bound = 0;          ///< infinite if the box is empty
    Draft draft;               ///< attains the minimum, whether it fits or not
    double migration = 0;      ///< the D that attains the minimum
    std::vector<double> slope; ///< subgradient of the bound at these multipliers
    std::vector<double> chain; ///< [position][device]: the bound with this device as host
    std::vector<double> proj;  ///< [layer][device]: the bound with this device as host
    /// [pool]: times with which the bound can be below `limit`; all times while hosts are open
    std::vector<Interval> within;
};

class Relaxation {
  public:
    explicit Relaxation(const Tables& tables);

    /// Solves the relaxation. A bound of `limit` or more may be inexact. Precondition: every host
    /// of the domain has an allowed device.
    const Relaxed& solve(const Domain& domain, const Multipliers& multipliers, double limit);
    /// Returns the number of pools solved and of best chains searched so far.
    [[nodiscard]] std::int64_t work() const { return work_; }
    /// Returns the number of elementary operations so far, each of 2 to 3 ns.
    [[nodiscard]] std::int64_t operations() const { return operations_ + solver_.operations(); }

  private:
    void set_prices(const Multipliers& multipliers);
    [[nodiscard]] double price(const Item& item, std::size_t d) const;
    void load(std::size_t pool);
    void bound_pools();
    [[nodiscard]] double least_time(const Ladder& ladder, std::size_t pool) const;
    [[nodiscard]] bool solve_pools_on_chain(double slack);
    [[nodiscard]] std::span<const Ladder> ladders_on_chain(const Pool& pool) const;
    [[nodiscard]] double solve_on_chain(std::size_t pool, double stop);
    void list_hosts();
    void connect_layers();
    void price_hosts();
    template <class Visit>
    void for_embeds(const Visit& visit);
    void find_best_chain();
    void keep_chain();
    void find_bounds_of_hosts(bool needed);
    void collect(double slack);
    void collect_pool(std::size_t pool, double slack);
    void constant_terms(const Multipliers& multipliers);
    void find_slope();
    [[nodiscard]] double lane_cap(std::size_t lane, double migration) const;
    [[nodiscard]] std::size_t at(std::size_t layer, std::size_t a, std::size_t b) const {
        return (layer * n_ + a) * n_ + b;
    }

    using Hosts = std::vector<std::size_t>;
    const Tables& tables_;
    std::vector<Hosts> chain_hosts_; ///< [position]: allowed devices
    std::vector<Hosts> proj_hosts_;  ///< [layer]: the same for proj
    const Domain* domain_ = nullptr;
    std::size_t n_;
    double memory_scale_ = 1;
    PoolSolver solver_;
    std::int64_t work_ = 0;
    std::int64_t operations_ = 0;
    std::vector<double> memory_price_; ///< [device] per byte
    std::vector<double> lane_price_;   ///< [lane] per ns
    std::vector<double> pool_price_;   ///< [item of the pool][device]
    std::vector<double> proj_price_;   ///< [layer][device]; infinite if not allowed
    std::vector<double> chain_price_;  ///< [position][device]: the same; lm_head: of one embed
    std::vector<double> groups_;       ///< [layer][key][proj]
    std::vector<double> slices_;       ///< [layer][hub]
    std::vector<char> groups_solved_;  ///< [layer][key][proj]: 0 while groups_ has a bound
    std::vector<char> slices_solved_;  ///< [layer][hub]
    std::vector<double> begin_;        ///< [device]: cost until embed has x
    HostPath path_;
    std::vector<std::size_t> target_; ///< [layer]: proj or hub on the best chain
    double constant_ = 0;
    std::vector<double> used_;
    std::vector<double> busy_;
    Relaxed result_;
};

/// Returns the unit of the memory multipliers: the bytes of the largest item.
[[nodiscard]] double memory_scale(const Tables& tables);

} // namespace headroom::scheduler::exact
