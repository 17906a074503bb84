// Devices lend memory and take it back: a placement that fills a device to the brim has to page, or
// to move, as soon as the device has a little less. A controller says what is safe to use
// (Problem::safe_memory); policies of ours stay within it as far as they can.
#pragma once

#include <optional>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// How much of the memory that is not safe is used.
enum class Risk : std::uint8_t { none, half };

/// The problem with devices held to less memory than they have; nothing if that is no less. What
/// its snapshot says is what may be used; as safe memory it has, for people, what there really is.
[[nodiscard]] std::optional<Problem> cautious(const Problem& problem, Risk risk);

/// The problem as its snapshot has it, with no thought of what is safe.
[[nodiscard]] Problem careless(Problem problem);

/// What `decide` says of the first of these problems that has a feasible answer: with safe memory,
/// with half of the rest, with all. `decide` itself asks for no safe memory.
template <class Decide>
[[nodiscard]] Decision decide_cautiously(const Problem& problem, const Decide& decide) {
    for (const Risk risk : {Risk::none, Risk::half}) {
        if (const std::optional<Problem> careful = cautious(problem, risk)) {
            Decision decision = decide(*careful);
            if (decision.feasible) {
                return decision;
            }
        }
    }
    return decide(problem);
}

} // namespace headroom::scheduler
