// The settings of a search: which neighbourhoods it tries, and every limit on its work. The presets
// are data; a budget (controller.effort) scales the limits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "scheduler/core/problem.hpp"
#include "scheduler/cost/step_cost.hpp"
#include "scheduler/search/neighborhood.hpp"

namespace headroom::scheduler {

/// Limits are in evaluated layers unless stated otherwise; one takes about 0.2 µs with five
/// devices.
struct SearchSettings {
    std::span<const Neighborhood> neighborhoods{}; ///< of a descent, in the order of trying
    std::span<const Neighborhood> directed{};      ///< of a quick descent
    std::int64_t evaluations = 0;                  ///< of the whole search
    /// A change of so many blocks counts as an evaluated layer, too.
    std::int64_t changes_per_evaluation = 3;

    // relieve_layers
    std::size_t exchange_partners = 8; ///< most exchanges tried for one move without memory
    // reoptimise_layers
    std::size_t hosts = 6;      ///< most devices tried for proj and for ffn (or the hub)
    std::size_t thresholds = 4; ///< most compromises between time and migration per plan
    // Descents from the previous placement with a part of D_mig for free
    int migration_budgets = 6;
    std::int64_t better_start_percent = 50; ///< of `evaluations`, for the better of two starts
    std::int64_t worse_start_percent = 20;  ///< for the worse one; the rest is for the best found
    std::int64_t answer_descent = 1'000;    ///< of the descent from the best other answer
    // Perturbation
    std::int64_t perturbing = 0; ///< of all descents after perturbations
    /// The fewest evaluated layers for which perturbations begin at all.
    std::int64_t least_perturbing = 12'000;
    int failed_perturbations = 100;     ///< most in a row without improvement
    std::uint64_t perturbed_blocks = 6; ///< most blocks that one perturbation scatters
    std::int64_t undoing = 500;         ///< of undoing moves that gain nothing, at the end
    // Polish by branch and bound (relaxation_search.hpp)
    std::int64_t relaxation_operations = 0;       ///< limit on its operations (exact::Limits)
    std::int64_t operations_per_evaluation = 250; ///< which take as long as an evaluated layer
    std::int64_t repair = 300;                    ///< of one repair of a relaxed placement
    std::int64_t repair_descent = 1'500;          ///< of the descent from a repair that is the best
    std::int64_t free_repairs = 600; ///< of repairs before the relaxation has done as much
};

/// The settings of one decision for one step.
struct StepSettings {
    SearchSettings first;  ///< from the initial placements
    SearchSettings polish; ///< from the best of these on
};
[[nodiscard]] StepSettings step_settings(const Problem& problem, const StepDelay& step);

/// The settings of descents for the shortest round among `devices` devices.
struct RoundSettings {
    SearchSettings descent; ///< `evaluations` are RoundModel's units of work
    std::size_t descents = 4;
    std::size_t simulated_steps = 20'000; ///< largest round that a descent simulates
};
[[nodiscard]] RoundSettings round_settings(const Problem& problem, std::size_t devices);

/// The largest fleet that searches consider; larger ones are reduced to a subset of this size.
inline constexpr std::size_t kMaxSearchedDevices = 32;

} // namespace headroom::scheduler
