#include "scheduler/milp/milp_export.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.hpp"
#include "scheduler/cost/step_cost.hpp"
#include "scheduler/exact/tables.hpp"
#include "scheduler/milp/milp_writer.hpp"

namespace headroom::scheduler::milp {
namespace {

bool has_zero_rate(const Problem& problem) {
    const Snapshot& s = problem.snapshot;
    return std::ranges::any_of(
               s.devices,
               [](const Snapshot::Device& d) {
                   return d.compute == 0 || d.memory_bandwidth == 0 || d.storage_bandwidth == 0 ||
                          std::ranges::any_of(d.rates, [](const TypeRates<PerSecond>& rates) {
                              return rates.compute == 0 || rates.memory_bandwidth == 0;
                          });
               }
           ) ||
           !s.all_links([](const Snapshot::Link& l) {
               return l.bandwidth > 0 && l.latency < kStall;
           });
}

/// Returns the first setting because of which messages delay each other; empty: there is none.
std::string nonlinear_setting(const Snapshot& snapshot) {
    for (const Snapshot::Device& device : snapshot.devices) {
        if (device.egress != kUnlimited || device.ingress != kUnlimited) {
            return "egress or ingress caps";
        }
        if (device.message_overhead > 0) {
            return "a message_overhead";
        }
        if (device.medium != kNoMedium) {
            return "a shared medium ([[network.medium]])";
        }
    }
    return "";
}

/// Returns about how many coefficients the rows for times have.
double estimated_terms(const Problem& problem) {
    const auto devices = static_cast<double>(problem.snapshot.size());
    const double units = problem.blocks->groups() + problem.blocks->slices();
    return problem.cost_profile == CostProfile::paper
               ? 0
               : problem.blocks->shape().layers * devices * devices * devices * units;
}

std::string comment_of(const Problem& problem, const std::vector<std::string>& devices) {
    const bool paper = problem.cost_profile == CostProfile::paper;
    const bool sliced = problem.blocks->sliced();
    const auto names = lp_names(devices);
    std::string text = fmt::format(
        "A decision of Headroom as a mixed-integer linear programme.\n"
        "Minimised: {}, cost profile {}, granularity {}.\n"
        "Unit of the objective and of all times: milliseconds; of memory: MiB (2^20 bytes){}.\n"
        "The variable one is always 1; its cost is the constant term of the objective.\n"
        "Layers count from 0. How to read a placement from a solution:\n"
        "  n_L3_DEVICE     the number of K/V heads (groups) of layer 3 on DEVICE; heads of one "
        "layer "
        "are equal,\n"
        "                  but n_0from_A_L3_DEVICE are those that were on A before\n",
        paper ? fmt::format("D_mig + {} D_T by the published formulas", problem.steps())
              : fmt::format("D_mig + {} D_inf", problem.steps()),
        paper ? "paper" : "physical",
        sliced ? "sliced" : "paper",
        paper ? ", of compute: GFLOP" : ""
    );
    text += sliced ? "  s_L3_DEVICE     the number of ffn slices there\n"
                     "  hub_L3_DEVICE   1 if the hub is there\n"
                   : "  proj_L3_DEVICE  1 if proj is there\n"
                     "  ffn_L3_DEVICE   1 if ffn is there\n";
    if (problem.blocks->shape().has_ends && (paper || problem.ends_at_source)) {
        text += paper ? "embed and lm_head stay where they are.\n"
                      : "embed and lm_head are on the source.\n";
    } else if (problem.blocks->shape().has_ends) {
        text += "  place_embed_DEVICE, place_lm_head_DEVICE: 1 if the block is there\n";
    }
    text += "Devices, in the order of the scenario:\n";
    for (std::size_t d = 0; d < devices.size(); ++d) {
        std::string shown = devices[d];
        std::ranges::replace_if(
            shown, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' '
        );
        text += fmt::format("  {} = {}\n", names[d], shown);
    }
    return text;
}

} // namespace

std::string milp_obstacle(const Problem& problem) {
    if (problem.snapshot.size() > exact::kMaxDevices) {
        return fmt::format(
            "the fleet has {} devices, expected at most {}",
            problem.snapshot.size(),
            exact::kMaxDevices
        );
    }
    if (problem.counts_rounds()) {
        return "rounds of several sequences have no linear form, expected controller.objective = "
               "\"latency\" or workload.sequences = 1";
    }
    if (problem.blocks->cut().reduce == Reduce::ring) {
        return "a ring all-reduce is not covered, expected controller.reduce = \"hub\"";
    }
    if (problem.cost_profile == CostProfile::physical) {
        if (const std::string setting = nonlinear_setting(problem.snapshot); !setting.empty()) {
            return fmt::format(
                "with {} times depend on what else is sent, which has no linear form; expected a "
                "fleet without it",
                setting
            );
        }
        if (problem.blocks->splits_groups()) {
            return "the devices of a layer wait for each other's sums of queries and keys "
                   "(qk_norm = \"width\"), which this form does not cover; expected another model";
        }
    }
    if (has_zero_rate(problem)) {
        return "a rate is 0 at the time of the decision, and times would be infinite; expected "
               "rates above 0";
    }
    if (estimated_terms(problem) > static_cast<double>(kMostMilpTerms)) {
        return fmt::format(
            "it would have about {:.0f} million coefficients, expected at most {}; give fewer "
            "devices or layers",
            estimated_terms(problem) / 1e6,
            kMostMilpTerms / 1'000'000
        );
    }
    return "";
}

std::string milp_text(const Problem& problem, const std::vector<std::string>& devices) {
    const std::string obstacle = milp_obstacle(problem);
    HEADROOM_CHECK(obstacle.empty(), "no linear programme: {}", obstacle);
    const StepDelay step(problem);
    const Tables tables(problem, step, exact::Aim::objective);
    MilpWriter writer(tables, lp_names(devices));
    writer.write();
    return writer.programme().text(comment_of(problem, devices));
}

} // namespace headroom::scheduler::milp
