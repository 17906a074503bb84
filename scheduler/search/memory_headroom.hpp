// The memory reserve. If a placement fills a device completely, then as soon as the device's memory
// shrinks, the device must page (read weights from storage again) or blocks must move. The
// controller therefore states how much memory is safe to use (Problem::safe_memory), and some
// policies stay within this limit if they can.
#pragma once

#include <optional>

#include "scheduler/core/problem.hpp"

namespace headroom::scheduler {

/// How much of the memory beyond the safe memory a decision may use.
enum class Risk : std::uint8_t { none, half };

/// Returns the problem with the devices' memory reduced to what may be used, or nullopt if all
/// memory may be used. The result's safe_memory holds the real memory, which explanations state.
[[nodiscard]] std::optional<Problem> cautious(const Problem& problem, Risk risk);

/// Returns the problem without safe memory, so that all memory of the devices may be used.
[[nodiscard]] Problem careless(Problem problem);

/// Calls `decide` for the problem with only the safe memory, then with half of the rest as well,
/// then with all memory, and returns the first feasible decision. `decide` must ignore safe_memory.
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
