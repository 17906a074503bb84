#include "scheduler/search/settings.hpp"

#include <algorithm>
#include <cmath>

#include "scheduler/cost/message_cost.hpp"

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
/// If devices have caps, the order of messages matters. An evaluation of a layer and its moves is
/// then slower. When searches of fleets with caps alone got their limits, it was so many times
/// slower; they keep them, so that decisions stay the same.
constexpr double kCappedSlowness = 30.0;
/// With message overheads or shared media.
constexpr double kOrderedSlowness = 4.0;
/// With message overheads or shared media bounds are too loose to prove much, so the polish does
/// not wait for a proof: its relaxations get this share of their operations. A smaller share misses
/// optima that repairs of relaxed placements find.
constexpr double kLooseShare = 0.6;
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
    const bool loose = !paper && has_message_costs(problem.snapshot);
    const bool simulates = !paper && problem.previous && order_matters(problem.snapshot);
    const double slow = !simulates ? 1.0 : loose ? kOrderedSlowness : kCappedSlowness;
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
        part->relaxation_operations = at_least(
            kMinOperations, part->relaxation_operations, polish * (loose ? kLooseShare : 1.0)
        );
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
