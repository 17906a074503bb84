// How a search counts the time that it minimises. There are three models: PhysicalCosts (a decode
// step as it is executed), PaperCosts (a step by the published formula) and RoundCosts (a round,
// which is one turn of every sequence in flight). Searches and neighbourhoods know only the
// interface.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "scheduler/construct/chain_planner.hpp"
#include "scheduler/core/problem.hpp"
#include "scheduler/cost/incumbent.hpp"
#include "scheduler/cost/round_cost.hpp"
#include "scheduler/cost/step_cost.hpp"

namespace headroom::scheduler {

/// All devices. The first `limiting` ones, or a link between them, determine the time; the others
/// follow by how long they compute, longest first.
struct BusyDevices {
    std::vector<std::size_t> devices;
    std::size_t limiting = 0;
};

class CostModel {
  public:
    /// Keeps a pointer to `step`, by which the incumbents are timed.
    explicit CostModel(const StepDelay& step) : step_(&step) {}
    virtual ~CostModel() = default;

    [[nodiscard]] const StepDelay& step() const { return *step_; }
    /// Returns the score of the incumbent. If it is not better than `rival` (which may be null),
    /// any score that is worse than the rival may be returned instead.
    [[nodiscard]] virtual Score score(const Incumbent& incumbent, const Score* rival);
    /// Returns the work of score() since the last call, in evaluated layers, beyond the work that
    /// the incumbent counts itself.
    [[nodiscard]] virtual std::int64_t take_work() { return 0; }
    [[nodiscard]] virtual BusyDevices busy_devices(const Incumbent& incumbent);

    /// Returns when device d has finished n of the units, from the start of their stage.
    [[nodiscard]] virtual Nanoseconds finish(
        const Gathering& gathering, std::size_t d, std::int32_t n
    ) const = 0;
    /// Returns the time that the outputs of n units on d add to the step beside the latest finish.
    [[nodiscard]] virtual Nanoseconds added(
        const Gathering& gathering, std::size_t d, std::int32_t n
    ) const = 0;
    /// Returns whether transfers add up: those of a stage to proj, and those of a migration.
    /// Otherwise transfers on different links overlap.
    [[nodiscard]] virtual bool adds_transfers() const = 0;
    /// Returns whether the devices of embed and lm_head matter.
    [[nodiscard]] virtual bool counts_ends() const = 0;

  private:
    const StepDelay* step_;
};

/// D_mig + λ·D_inf, as executed.
class PhysicalCosts : public CostModel {
  public:
    using CostModel::CostModel;
    [[nodiscard]] Nanoseconds finish(const Gathering& gathering, std::size_t d, std::int32_t n)
        const override;
    [[nodiscard]] Nanoseconds added(const Gathering&, std::size_t, std::int32_t) const override {
        return 0;
    }
    [[nodiscard]] bool adds_transfers() const override { return false; }
    [[nodiscard]] bool counts_ends() const override { return true; }
};

/// D_mig + λ·D_T by the published formulas (docs/reference/policies.md).
class PaperCosts : public CostModel {
  public:
    using CostModel::CostModel;
    [[nodiscard]] Nanoseconds finish(const Gathering& gathering, std::size_t d, std::int32_t n)
        const override;
    [[nodiscard]] Nanoseconds added(const Gathering& gathering, std::size_t d, std::int32_t n)
        const override;
    [[nodiscard]] bool adds_transfers() const override { return true; }
    [[nodiscard]] bool counts_ends() const override { return false; }
};

/// D_mig + λ·round, by the estimates of RoundModel. A round is first bounded from below, and is
/// simulated only if the bound is better than the rival. Of equal rounds the one that loads the
/// devices more evenly is better.
class RoundCosts : public PhysicalCosts {
  public:
    /// Keeps pointers to both. The work limit of simulations is in segments and messages per round.
    RoundCosts(const Problem& problem, RoundModel& model, std::size_t max_simulated_steps);

    [[nodiscard]] Score score(const Incumbent& incumbent, const Score* rival) override;
    [[nodiscard]] std::int64_t take_work() override;
    [[nodiscard]] BusyDevices busy_devices(const Incumbent& incumbent) override;

  private:
    const Problem* problem_;
    RoundModel* model_;
    std::size_t max_simulated_steps_;
    std::int64_t work_ = 0;
};

/// Returns the model of one step under the cost profile of `step`.
[[nodiscard]] std::unique_ptr<CostModel> step_costs(const StepDelay& step);

/// Returns whether a is better than b: by missing memory, then by objective, then by tie_break.
[[nodiscard]] bool is_better(const Score& a, const Score& b);

} // namespace headroom::scheduler
