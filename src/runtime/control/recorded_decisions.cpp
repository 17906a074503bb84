#include "runtime/control/recorded_decisions.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "scheduler/core/validate.hpp"

namespace headroom::runtime {

Answer RecordedDecisions::next(
    std::size_t most,
    std::size_t least,
    const std::function<scheduler::Problem(std::size_t)>& problem_for
) {
    HEADROOM_CHECK(next_ < intervals_.size(), "only {} decisions are recorded", intervals_.size());
    const trace::Interval& recorded = intervals_[next_];
    // If the recorded number is outside the limits, the replay finds that the numbers differ.
    const auto in_flight = static_cast<std::size_t>(std::max(recorded.row.in_flight, 1));
    Answer answer{problem_for(std::clamp(in_flight, least, most)), {}};
    answer.decision.feasible = recorded.row.feasible != 0;
    answer.decision.batch = recorded.row.batch;
    if (answer.decision.feasible) {
        for (const std::int32_t device : recorded.placement) {
            answer.decision.placement.emplace_back(device);
        }
        const scheduler::Verdict verdict =
            scheduler::validate(answer.problem, answer.decision.placement);
        if (!verdict.ok()) {
            throw InputError(fmt::format(
                "intervals[{}].placement is recorded as feasible, but is not: {}",
                first_ + next_,
                fmt::join(verdict.problems, "; ")
            ));
        }
    }
    ++next_;
    return answer;
}

} // namespace headroom::runtime
