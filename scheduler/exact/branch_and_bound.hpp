// The search of policy `exact`: boxes of placements (domain.hpp), each with a proven bound
// (relaxation.hpp), the box with the least bound first. A box is dropped when its bound is not
// below the best placement found, and split otherwise, so that what is left at the end, or when the
// limit is reached, bounds all placements. Ties fall to the older box: the same on every machine.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "scheduler/exact/domain.hpp"
#include "scheduler/exact/relaxation.hpp"
#include "scheduler/exact/tables.hpp"
#include "scheduler/exact/trace.hpp"

namespace headroom::scheduler::exact {

/// What the search knows when it ends; nanoseconds.
struct Found {
    std::optional<Placement> placement; ///< the best; nothing: none was found
    double objective = kInfinite;       ///< of it
    double bound = 0;      ///< no placement that the tables can express has a smaller objective
    bool complete = false; ///< nothing is left to search
    std::int64_t nodes = 0;
};

class BranchAndBound {
  public:
    /// incumbent: a placement that fits, or nothing.
    BranchAndBound(const Tables& tables, const std::optional<Decision>& incumbent);
    [[nodiscard]] Found run(std::int64_t limit);

  private:
    enum class Fate : std::uint8_t { dropped, split, unfinished };

    [[nodiscard]] double cutoff() const;
    void push(std::unique_ptr<Domain> domain);
    [[nodiscard]] std::unique_ptr<Domain> pop();
    [[nodiscard]] Fate ascend(Domain& domain, Trace& trace, int iterations, std::int64_t limit);
    [[nodiscard]] bool tighten(Domain& domain, const Relaxed& relaxed);
    void consider(const Relaxed& relaxed);
    void judge(const Draft& draft);
    [[nodiscard]] bool closed(Domain& domain);
    void settle(const Domain& domain);
    void split(const Domain& domain, const Trace& trace);
    [[nodiscard]] bool split_hosts(const Domain& domain, const Trace& trace);
    [[nodiscard]] bool split_migration(const Domain& domain, const Trace& trace, double width);
    [[nodiscard]] bool split_interval(const Domain& domain, const Trace& trace);
    void split_units(const Domain& domain, const Trace& trace);
    void split_mask(const Domain& domain, std::size_t position, bool chain, const Trace& trace);
    [[nodiscard]] bool twin_before(const Domain& domain, std::uint64_t mask, std::size_t d) const;
    void add_child(Domain child);

    const Tables& tables_;
    Relaxation relaxation_;
    std::optional<Placement> best_;
    double best_objective_;
    std::vector<std::unique_ptr<Domain>> open_; ///< a heap by (bound, serial)
    std::optional<Draft> flow_;                 ///< the cheapest flow of the box at hand
    std::int64_t pushed_ = 0;
};

} // namespace headroom::scheduler::exact
