// Decisions that a replay takes from a trace instead of asking the policy, because another version
// of the policy made them. Each decision is checked: its placement must be valid for the problem.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "runtime/control/controller.hpp"
#include "scheduler/core/problem.hpp"
#include "trace/records/trace.hpp"

namespace headroom::runtime {

class RecordedDecisions {
  public:
    /// intervals: those of one part of a run, one per decision; they must outlive this object.
    /// first: the index of the first of them in the trace, for messages.
    RecordedDecisions(std::span<const trace::Interval> intervals, std::size_t first)
        : intervals_(intervals), first_(first) {}

    /// Returns the next decision and the problem that it answers. Only the placement, the batch
    /// size and whether it was feasible are recorded; the other members of the decision have no
    /// values. most, least, problem_for: as for decide_for_most(). Throws InputError if a feasible
    /// placement is not valid. Precondition: a decision is left.
    [[nodiscard]] Answer next(
        std::size_t most,
        std::size_t least,
        const std::function<scheduler::Problem(std::size_t)>& problem_for
    );

  private:
    std::span<const trace::Interval> intervals_;
    std::size_t first_;
    std::size_t next_ = 0;
};

} // namespace headroom::runtime
