#include "bench/quality_report.hpp"

#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace headroom::bench {
namespace {

using scheduler::testing::CellQuality;
using scheduler::testing::Distribution;
using scheduler::testing::FarAnswer;
using scheduler::testing::PolicyQuality;
using scheduler::testing::QualityCell;

/// Returns mean, median, p95 and maximum as four columns, or dashes if there are no values.
std::string columns(const Distribution& distribution) {
    if (distribution.number == 0) {
        return fmt::format("{:>9}{:>9}{:>9}{:>9}", "-", "-", "-", "-");
    }
    return fmt::format(
        "{:>9.4f}{:>9.4f}{:>9.4f}{:>9.4f}",
        distribution.mean,
        distribution.median,
        distribution.p95,
        distribution.max
    );
}

/// Returns mean, p95 and maximum as three columns, or dashes if there are no values.
std::string short_columns(const Distribution& distribution) {
    if (distribution.number == 0) {
        return fmt::format("{:>9}{:>9}{:>9}", "-", "-", "-");
    }
    return fmt::format(
        "{:>9.4f}{:>9.4f}{:>9.4f}", distribution.mean, distribution.p95, distribution.max
    );
}

void print_row(const CellQuality& quality, const PolicyQuality& policy) {
    const Distribution& proven = policy.ratio_to_optimum;
    fmt::print(
        "{:<13}{:<21}{:>6} |{:>6}{}{:>8} |{:>6}{} |{} |{:>7}{:>8}{:>10.2f}\n",
        name_of(quality.cell),
        scheduler::name_of(policy.policy),
        quality.number,
        proven.number,
        columns(proven),
        proven.number == 0 ? "-" : fmt::format("{}", proven.worst_seed),
        policy.ratio_to_best_bound.number,
        columns(policy.ratio_to_best_bound),
        short_columns(policy.ratio_to_best_known),
        policy.infeasible,
        policy.refused,
        policy.median_cpu_ms
    );
}

void print_exact(const CellQuality& quality) {
    if (quality.exact_asked == 0) {
        fmt::print(
            "{:<13}{:<21}{:>6} | not asked: more than {} devices x layers\n",
            name_of(quality.cell),
            "exact",
            quality.number,
            kMostForExact
        );
        return;
    }
    fmt::print(
        "{:<13}{:<21}{:>6} |{:>6}{:>7.1f} %{:>35} |{:>6}{:>36} |{:>27} |{:>7}{:>8}{:>10.2f}\n",
        name_of(quality.cell),
        "exact",
        quality.number,
        quality.proven,
        100.0 * quality.proven / quality.number,
        "",
        quality.exact_asked - quality.proven,
        "",
        "",
        quality.exact_infeasible,
        quality.exact_refused,
        quality.exact_median_cpu_ms
    );
}

/// Prints how far the best known objectives are above the root bound.
void print_root_bound(const CellQuality& quality) {
    const int number = quality.optimum_to_root.number + quality.best_to_root.number;
    if (number == 0) {
        return;
    }
    const Distribution& proven = quality.optimum_to_root;
    fmt::print(
        "{:<13}{:<21}{:>6} |{:>6}{}{:>8} |{:>6}{} |{:>27} |{:>7}{:>8}{:>10.2f}\n",
        name_of(quality.cell),
        "best / root bound",
        number,
        proven.number,
        columns(proven),
        proven.number == 0 ? "-" : fmt::format("{}", proven.worst_seed),
        quality.best_to_root.number,
        columns(quality.best_to_root),
        "",
        "",
        "",
        quality.root_median_cpu_ms
    );
}

nlohmann::ordered_json json_of(const Distribution& distribution) {
    return {
        {"number", distribution.number},
        {"mean", distribution.mean},
        {"median", distribution.median},
        {"p95", distribution.p95},
        {"max", distribution.max},
        {"worst_seed", distribution.worst_seed}};
}

} // namespace

void print_quality_header() {
    fmt::print(
        "{:<13}{:<21}{:>6} |{:>6}{:>9}{:>9}{:>9}{:>9}{:>8} |{:>6}{:>9}{:>9}{:>9}{:>9} |"
        "{:>9}{:>9}{:>9} |{:>7}{:>8}{:>10}\n",
        "cell",
        "policy",
        "number",
        "proven",
        "mean",
        "median",
        "p95",
        "max",
        "seed",
        "open",
        "mean",
        "median",
        "p95",
        "max",
        "÷ known",
        "p95",
        "max",
        "infeas.",
        "refused",
        "cpu ms"
    );
}

void print_quality(const CellQuality& quality) {
    for (const PolicyQuality& policy : quality.policies) {
        print_row(quality, policy);
    }
    print_exact(quality);
    print_root_bound(quality);
}

nlohmann::ordered_json json_of(const CellQuality& quality) {
    nlohmann::ordered_json policies = nlohmann::ordered_json::array();
    for (const PolicyQuality& policy : quality.policies) {
        policies.push_back(
            {{"policy", scheduler::name_of(policy.policy)},
             {"over_optimum", json_of(policy.ratio_to_optimum)},
             {"over_bound", json_of(policy.ratio_to_bound)},
             {"over_best_bound", json_of(policy.ratio_to_best_bound)},
             {"over_best_known", json_of(policy.ratio_to_best_known)},
             {"infeasible", policy.infeasible},
             {"refused", policy.refused},
             {"below_proven", policy.below},
             {"median_cpu_ms", policy.median_cpu_ms}}
        );
    }
    return {
        {"cell", name_of(quality.cell)},
        {"number", quality.number},
        {"exact_asked", quality.exact_asked},
        {"proven", quality.proven},
        {"exact_infeasible", quality.exact_infeasible},
        {"exact_refused", quality.exact_refused},
        {"exact_median_cpu_ms", quality.exact_median_cpu_ms},
        {"optimum_over_root_bound", json_of(quality.optimum_to_root)},
        {"best_over_root_bound", json_of(quality.best_to_root)},
        {"root_median_cpu_ms", quality.root_median_cpu_ms},
        {"policies", policies}};
}

void print_far_answers(const QualityCell& cell, const std::vector<FarAnswer>& answers) {
    for (const FarAnswer& answer : answers) {
        fmt::print(
            "above: {} {}x{}x{} seed {}, {} heads: {:.4f} times the {}\n",
            scheduler::name_of(answer.policy),
            cell.devices,
            cell.layers,
            answer.memory_factor,
            answer.seed,
            answer.heads,
            answer.ratio,
            answer.proven ? "optimum" : "best known"
        );
    }
}

nlohmann::ordered_json json_of(const std::vector<FarAnswer>& answers) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const FarAnswer& answer : answers) {
        list.push_back(
            {{"policy", scheduler::name_of(answer.policy)},
             {"seed", answer.seed},
             {"heads", answer.heads},
             {"memory_factor", answer.memory_factor},
             {"ratio", answer.ratio},
             {"proven", answer.proven}}
        );
    }
    return list;
}

} // namespace headroom::bench
