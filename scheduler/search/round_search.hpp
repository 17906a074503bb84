// Local search for the shortest round (one turn of every sequence in flight). It relieves what
// limits the round (a device, a link, or the latency of one step) as long as the estimate of D_mig
// + steps·round falls. Work is limited by a count, not by time, so that results can be reproduced.
#pragma once

#include <cstdint>
#include <vector>

#include "scheduler/core/problem.hpp"
#include "scheduler/cost/incumbent.hpp"
#include "scheduler/cost/round_cost.hpp"

namespace headroom::scheduler {

class RoundSearch {
  public:
    /// Keeps pointers to problem and model. Every descent stops after about `limit` units of work:
    /// a bound costs layers × devices units, a simulation one unit per simulated step.
    RoundSearch(const Problem& problem, RoundModel& model, std::int64_t limit);

    struct Found {
        Placement placement;
        double objective = 0; ///< estimated, ns
    };
    /// Descends and returns the last placement, which fits. Precondition: `placement` fits.
    [[nodiscard]] Found descend_from(const Placement& placement);
    /// Returns the estimated objective. The draft may use another StepDelay than the model does.
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
    Draft* draft_ = nullptr; ///< the candidate of the present descent
    Value now_;
    RoundModel::Estimate limit_of_; ///< the bound of the candidate, with the limiting resource
    std::vector<double> busy_;      ///< per device
    Value best_;
    std::vector<Relocation> best_changes_; ///< empty if no change is better
};

} // namespace headroom::scheduler
