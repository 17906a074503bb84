#include "tests/scheduler/instances/quality.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include <fmt/format.h>

#include "scheduler/core/validate.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler::testing {
namespace {

/// Objectives under cost profile `paper` are sums of doubles in different orders.
constexpr double kRounding = 1e-9;

constexpr std::int32_t kHeads[] = {8, 16, 32};
constexpr double kMemoryFactors[] = {1.15, 1.5, 3.0};

double median_of(std::vector<double> values) {
    if (values.empty()) {
        return 0.0;
    }
    std::sort(values.begin(), values.end());
    const std::size_t upper = values.size() / 2;
    const std::size_t lower = (values.size() - 1) / 2;
    return (values[lower] + values[upper]) / 2.0;
}

/// Cells above this product of devices and layers are large.
constexpr std::int64_t kMostOfSmallCells = 20;

bool is_large(const QualityCell& cell) {
    return std::int64_t{cell.devices} * cell.layers > kMostOfSmallCells;
}

/// The least value with at least 95 % of all at or below it: nearest rank, in whole numbers.
double p95_of(const std::vector<Ratio>& sorted) {
    const std::size_t rank = (95 * sorted.size() + 99) / 100;
    return sorted[rank - 1].value;
}

PolicyQuality quality_of(PolicyKind policy, std::size_t index, const std::vector<Trial>& trials) {
    PolicyQuality quality;
    quality.policy = policy;
    std::vector<Ratio> ratio_to_optimum;
    std::vector<Ratio> ratio_to_bound;
    std::vector<Ratio> ratio_to_best_bound;
    std::vector<Ratio> ratio_to_best_known;
    std::vector<double> times;
    for (const Trial& trial : trials) {
        const QualityAnswer& answer = trial.answers[index];
        times.push_back(answer.cpu_ms);
        quality.infeasible += answer.feasible ? 0 : 1;
        quality.refused += answer.accepted ? 0 : 1;
        if (!answer.feasible || !answer.accepted) {
            continue;
        }
        const bool proven = trial.exact.proven && trial.exact.feasible;
        const double least = proven ? trial.exact.objective : trial.exact.bound.value_or(0.0);
        const double root = trial.root_bound.value_or(0.0);
        quality.below += answer.objective < std::max(least, root) * (1.0 - kRounding) ? 1 : 0;
        if (least > 0.0) {
            const double ratio = answer.objective / least;
            (proven ? ratio_to_optimum : ratio_to_bound).push_back({ratio, trial.seed});
        }
        if (!proven) {
            ratio_to_best_known.push_back({answer.objective / best_known(trial), trial.seed});
        }
        if (!proven && std::max(least, root) > 0.0) {
            ratio_to_best_bound.push_back({answer.objective / std::max(least, root), trial.seed});
        }
    }
    quality.ratio_to_best_bound = distribution_of(std::move(ratio_to_best_bound));
    quality.ratio_to_best_known = distribution_of(std::move(ratio_to_best_known));
    quality.ratio_to_optimum = distribution_of(std::move(ratio_to_optimum));
    quality.ratio_to_bound = distribution_of(std::move(ratio_to_bound));
    quality.median_cpu_ms = median_of(std::move(times));
    return quality;
}

void add_root_bounds(const std::vector<Trial>& trials, CellQuality& quality) {
    std::vector<Ratio> optimum_to_root;
    std::vector<Ratio> best_to_root;
    std::vector<double> times;
    for (const Trial& trial : trials) {
        if (!trial.root_bound) {
            continue;
        }
        times.push_back(trial.root_cpu_ms);
        const double ratio = best_known(trial) / *trial.root_bound;
        if (*trial.root_bound > 0 && std::isfinite(ratio)) {
            (trial.exact.proven ? optimum_to_root : best_to_root).push_back({ratio, trial.seed});
        }
    }
    quality.optimum_to_root = distribution_of(std::move(optimum_to_root));
    quality.best_to_root = distribution_of(std::move(best_to_root));
    quality.root_median_cpu_ms = median_of(std::move(times));
}

} // namespace

std::string name_of(const QualityCell& cell) {
    const std::string size = fmt::format("{}x{}", cell.devices, cell.layers);
    return cell.memory_factor ? fmt::format("{}x{}", size, *cell.memory_factor) : size;
}

std::vector<QualityCell> all_quality_cells() {
    std::vector<QualityCell> cells;
    for (const std::int32_t layers : {1, 2, 4}) {
        for (const double factor : kMemoryFactors) {
            for (const std::int32_t devices : {3, 4, 5}) {
                cells.push_back({devices, layers, factor});
            }
        }
    }
    return cells;
}

std::vector<QualityCell> large_quality_cells() {
    return {{6, 4}, {8, 4}, {10, 8}, {12, 2}, {25, 4}, {25, 8}};
}

std::int32_t heads_of(std::uint64_t seed) {
    return kHeads[seed % std::size(kHeads)];
}

double memory_factor_of(const QualityCell& cell, std::uint64_t seed) {
    return cell.memory_factor.value_or(
        kMemoryFactors[seed / std::size(kHeads) % std::size(kMemoryFactors)]
    );
}

std::int64_t node_limit_of(const QualityCell& cell) {
    constexpr std::int64_t kOfLargeCells = 300'000;
    return is_large(cell) ? kOfLargeCells : Problem{}.node_limit;
}

QualityAnswer answer_of(const Problem& problem, const Decision& decision) {
    QualityAnswer answer;
    answer.feasible = decision.feasible;
    answer.proven = decision.proven;
    answer.bound = decision.bound;
    if (decision.feasible) {
        answer.accepted = validate(problem, decision.placement).ok();
        answer.objective = answer.accepted ? objective(problem, decision.placement) : 0.0;
    }
    return answer;
}

double best_known(const Trial& trial) {
    double best = std::numeric_limits<double>::infinity();
    const auto consider = [&](const QualityAnswer& answer) {
        if (answer.feasible && answer.accepted) {
            best = std::min(best, answer.objective);
        }
    };
    consider(trial.exact);
    std::ranges::for_each(trial.answers, consider);
    return best;
}

Distribution distribution_of(std::vector<Ratio> ratios) {
    Distribution result;
    if (ratios.empty()) {
        return result;
    }
    std::stable_sort(ratios.begin(), ratios.end(), [](const Ratio& a, const Ratio& b) {
        return a.value != b.value ? a.value < b.value : a.seed > b.seed;
    });
    std::vector<double> values;
    double sum = 0.0;
    for (const Ratio& ratio : ratios) {
        values.push_back(ratio.value);
        sum += ratio.value;
    }
    result.number = static_cast<int>(ratios.size());
    result.mean = sum / static_cast<double>(ratios.size());
    result.p95 = p95_of(ratios);
    result.max = ratios.back().value;
    result.worst_seed = ratios.back().seed;
    result.median = median_of(std::move(values));
    return result;
}

CellQuality quality_of(
    const QualityCell& cell,
    const std::vector<PolicyKind>& policies,
    const std::vector<Trial>& trials
) {
    CellQuality quality;
    quality.cell = cell;
    quality.number = static_cast<int>(trials.size());
    std::vector<double> times;
    for (const Trial& trial : trials) {
        if (!trial.exact_asked) {
            continue;
        }
        ++quality.exact_asked;
        quality.proven += trial.exact.proven ? 1 : 0;
        quality.exact_infeasible += trial.exact.feasible ? 0 : 1;
        quality.exact_refused += trial.exact.accepted ? 0 : 1;
        times.push_back(trial.exact.cpu_ms);
    }
    quality.exact_median_cpu_ms = median_of(std::move(times));
    add_root_bounds(trials, quality);
    for (std::size_t i = 0; i < policies.size(); ++i) {
        quality.policies.push_back(quality_of(policies[i], i, trials));
    }
    return quality;
}

std::vector<FarAnswer> far_answers(
    const std::vector<PolicyKind>& policies, const std::vector<Trial>& trials, double least
) {
    std::vector<FarAnswer> far;
    for (std::size_t i = 0; i < policies.size(); ++i) {
        for (const Trial& trial : trials) {
            const QualityAnswer& answer = trial.answers[i];
            const double ratio = answer.objective / best_known(trial);
            if (answer.feasible && answer.accepted && ratio > least) {
                far.push_back(
                    {.policy = policies[i],
                     .seed = trial.seed,
                     .heads = trial.heads,
                     .memory_factor = trial.memory_factor,
                     .ratio = ratio,
                     .proven = trial.exact.proven}
                );
            }
        }
    }
    return far;
}

void ProvenShare::add(const QualityCell& cell, const std::vector<Trial>& trials) {
    for (const Trial& trial : trials) {
        if (!is_large(cell) && cell.layers <= 2 && trial.heads <= 16 && trial.exact_asked) {
            ++number;
            proven += trial.exact.proven ? 1 : 0;
        }
    }
}

double ProvenShare::share() const {
    return number == 0 ? 1.0 : static_cast<double>(proven) / number;
}

QualityLimits limits_of(const QualityCell& cell) {
    QualityLimits limits;
    limits.mean = is_large(cell) ? 1.01 : limits.mean;
    return limits;
}

std::vector<std::string> missed_limits(const CellQuality& quality) {
    const QualityLimits limits = limits_of(quality.cell);
    std::vector<std::string> all;
    const std::string cell = name_of(quality.cell);
    const auto check_max = [&](const char* what, double value, double limit) {
        if (!(value <= limit)) {
            all.push_back(fmt::format(
                "{}: resource_aware's {} is {:.4f}, at most {} wanted", cell, what, value, limit
            ));
        }
    };
    const auto check_zero = [&](std::string_view who, const char* what, int number) {
        if (number > 0) {
            all.push_back(fmt::format("{}: {}: {} {}", cell, who, number, what));
        }
    };
    check_zero("exact", "infeasible answers", quality.exact_infeasible);
    check_zero("exact", "answers refused by validate", quality.exact_refused);
    for (const PolicyQuality& policy : quality.policies) {
        const std::string_view name = scheduler::name_of(policy.policy);
        check_zero(name, "answers below a bound or a proven optimum", policy.below);
        check_zero(name, "answers refused by validate", policy.refused);
        if (policy.policy == PolicyKind::resource_aware) {
            check_zero(name, "infeasible answers", policy.infeasible);
            check_max("mean", policy.ratio_to_optimum.mean, limits.mean);
            check_max("p95", policy.ratio_to_optimum.p95, limits.p95);
            check_max("maximum", policy.ratio_to_optimum.max, limits.max);
        }
    }
    return all;
}

std::vector<std::string> missed_limits(const ProvenShare& share, const QualityLimits& limits) {
    if (share.share() >= limits.proven_share) {
        return {};
    }
    return {fmt::format(
        "exact proves {:.1f} % of the instances with at most 2 layers and 16 heads, at least "
        "{:.0f} % "
        "wanted",
        100.0 * share.share(),
        100.0 * limits.proven_share
    )};
}

} // namespace headroom::scheduler::testing
