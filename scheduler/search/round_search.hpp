// Local search for the shortest round: takes work off whatever limits it, a device, a link, or a
// step's latency, as long as the estimate of D_mig + steps·round falls. Work is counted.
#pragma once

#include <cstdint>
#include <vector>

#include "scheduler/core/problem.hpp"
#include "scheduler/cost/incumbent.hpp"
#include "scheduler/cost/round_cost.hpp"

namespace headroom::scheduler {

class RoundSearch {
  public:
    /// Keeps pointers to both; `limit`: layers × devices looked at before every descent stops.
    RoundSearch(const Problem& problem, RoundModel& model, std::int64_t limit);

    struct Found {
        Placement placement;
        double objective = 0; ///< estimated, ns
    };
    /// Precondition: the placement fits, and so does what is found.
    [[nodiscard]] Found descend_from(const Placement& placement);
    /// The estimate of a placement, without a search; the draft may count with another step.
    [[nodiscard]] double objective(const Draft& placement);
    [[nodiscard]] std::int64_t work() const { return work_; }

  private:
    struct Value {
        double objective = 0;
        double unevenness = 0;
    };
    [[nodiscard]] static bool better(const Value& a, const Value& b);
    [[nodiscard]] bool exhausted() const { return work_ >= limit_; }
    RoundModel::Estimate bound(const Draft& draft);
    [[nodiscard]] Value value(const Draft& draft, double round, double unevenness) const;
    Value value(const Draft& draft);
    bool improve();
    bool relieve_any();
    void consider(std::vector<Relocation> changes);
    bool make_best();
    bool relieve(std::size_t d);
    bool shorten();
    bool exchange();
    void offer_parts(std::size_t layer, std::size_t from, std::size_t to);
    [[nodiscard]] bool holds(std::size_t layer, std::size_t d) const;
    [[nodiscard]] std::vector<Relocation> units(
        Unit unit, std::size_t layer, std::size_t from, std::size_t to
    );

    const Problem* problem_;
    RoundModel* model_;
    std::int64_t limit_;
    std::int64_t work_ = 0;
    Draft* draft_ = nullptr; ///< of the descent under way
    Value now_;
    RoundModel::Estimate limit_of_; ///< now_
    std::vector<double> busy_;      ///< per device
    Value best_;
    std::vector<Relocation> best_changes_; ///< empty: nothing is better
};

} // namespace headroom::scheduler
