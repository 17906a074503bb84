// Devices lend memory and take it back: a placement that fills a device to the brim has to page, or
// to move, as soon as the device has a little less. A controller remembers what devices had at its
// last decisions; policies of ours stay within the least of it where that is possible.
#pragma once

#include <optional>

#include "scheduler/problem.hpp"

namespace headroom::scheduler {

/// The problem with every device held to the least memory that it had lately; nothing if that is
/// what it has now.
[[nodiscard]] std::optional<Problem> cautious(const Problem& problem);

/// The problem with nothing remembered.
[[nodiscard]] Problem forgetful(Problem problem);

/// What `decide` says of the cautious problem if that is feasible, else of the problem as it is.
template <class Decide>
[[nodiscard]] Decision decide_cautiously(const Problem& problem, const Decide& decide) {
    if (const std::optional<Problem> careful = cautious(problem)) {
        Decision decision = decide(*careful);
        if (decision.feasible) {
            return decision;
        }
    }
    return decide(forgetful(problem));
}

} // namespace headroom::scheduler
