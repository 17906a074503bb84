#include "scheduler/search/settings.hpp"

#include <algorithm>
#include <cmath>

namespace headroom::scheduler {
namespace {

using namespace neighborhoods;

constexpr Neighborhood kDirected[] = {kRepair, kRelieveLayers, kRelocateHosts};
constexpr Neighborhood kStep[] = {
    kRepair, kRelieveLayers, kRelocateHosts, kExchangeUnits, kReoptimiseLayers};
// D_mig of the paper is a sum, so a re-optimised layer pays for itself.
constexpr Neighborhood kPaper[] = {kRepair, kReoptimiseLayers, kRelocateHosts, kRelieveLayers};
constexpr Neighborhood kThroughput[] = {kRelocateLayers, kRelocateDevices};

constexpr SearchSettings kBriefPreset{
    .neighborhoods = kStep, .directed = kDirected, .evaluations = 5'000};
constexpr SearchSettings kThoroughPreset{
    .neighborhoods = kStep,
    .directed = kDirected,
    .evaluations = 5'000,
    .hosts = 8,
    .thresholds = 8,
    .perturbing = 120'000,
    .relaxation_operations = 12'000'000};
constexpr SearchSettings kPaperPreset{
    .neighborhoods = kPaper,
    .directed = kDirected,
    .evaluations = 3'500,
    .perturbing = 320'000,
    .least_perturbing = 16'000,
    .failed_perturbations = 150,
    .relaxation_operations = 12'000'000};
constexpr SearchSettings kThroughputPreset{.neighborhoods = kThroughput, .evaluations = 1'000'000};

// The limits of the polish depend on the size of a problem, in devices × layers. Up to
// kPresetSize they are those of the preset. Above, they grow with the size, up to kMaxGrowth times,
// because larger problems need more relaxations and perturbations. Above kMaxPolishedSize they fall
// with the cube of the size, because each relaxation and each descent takes longer, and finds less.
constexpr double kPresetSize = 27;
constexpr double kMaxGrowth = 3;
constexpr double kMaxPolishedSize = 200;
/// The fewest operations with which a relaxation gets as far as its first repairs.
constexpr std::int64_t kMinOperations = 1'500'000;
/// If devices have egress or ingress caps, D_mig follows from a simulation of all moves. An
/// evaluation is then about so many times slower.
constexpr double kCappedSlowness = 30.0;
/// Up to this size, in devices × layers, descents for the shortest round get the whole limit.
constexpr double kFullRoundSize = 256;
constexpr double kLargeRoundShare = 0.2;

std::int64_t scaled(std::int64_t limit, double factor) {
    return limit == 0
               ? 0
               : std::max<std::int64_t>(1, std::llround(static_cast<double>(limit) * factor));
}

/// Returns limit × factor, or 0 if this is below `least`.
std::int64_t at_least(std::int64_t least, std::int64_t limit, double factor) {
    const std::int64_t result = scaled(limit, factor);
    return result < least ? 0 : result;
}

/// Returns the factor of the limits of the polish for a problem of this size.
double polish_of(double size) {
    return std::clamp(size / kPresetSize, 1.0, kMaxGrowth) *
           std::pow(std::min(1.0, kMaxPolishedSize / size), 3.0);
}

} // namespace

StepSettings step_settings(const Problem& problem, const StepDelay& step) {
    const bool paper = step.uses_paper_formulas();
    StepSettings settings{
        paper ? kPaperPreset : kBriefPreset, paper ? kPaperPreset : kThoroughPreset};
    const bool simulates = !paper && problem.previous && has_caps(problem.snapshot);
    const double slow = simulates ? kCappedSlowness : 1.0;
    const auto size = static_cast<double>(
        static_cast<std::int64_t>(step.devices()) * problem.blocks->shape().layers
    );
    const double share = problem.effort / slow;
    const double polish = problem.effort * polish_of(size);
    for (SearchSettings* part : {&settings.first, &settings.polish}) {
        part->evaluations = scaled(part->evaluations, share);
        part->answer_descent = scaled(part->answer_descent, share);
        part->perturbing =
            scaled(at_least(part->least_perturbing, part->perturbing, polish), 1.0 / slow);
        part->relaxation_operations = at_least(kMinOperations, part->relaxation_operations, polish);
        part->operations_per_evaluation = scaled(part->operations_per_evaluation, slow);
        part->free_repairs = scaled(part->free_repairs, share);
    }
    return settings;
}

RoundSettings round_settings(const Problem& problem, std::size_t devices) {
    RoundSettings settings{kThroughputPreset};
    const auto size =
        static_cast<double>(static_cast<std::int64_t>(devices) * problem.blocks->shape().layers);
    const double share = size <= kFullRoundSize ? 1.0 : kLargeRoundShare;
    settings.descent.evaluations = scaled(settings.descent.evaluations, problem.effort * share);
    return settings;
}

} // namespace headroom::scheduler
