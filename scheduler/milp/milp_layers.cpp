// The times of one layer in the programme of milp_writer.hpp.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "scheduler/cost/block_cost.hpp"
#include "scheduler/milp/milp_writer.hpp"

namespace headroom::scheduler::milp {
namespace {

constexpr double kFlopUnit = 1e9;

double to_ms(Nanoseconds t) {
    return static_cast<double>(t) / 1e6;
}

double formula_ms(std::int64_t work, PerSecond rate) {
    return 1e3 * seconds(work, rate);
}

} // namespace

/// Adds: if `pair` is 1, time ≥ right + terms. `most` is the largest value of the right side.
void MilpWriter::wait_for_pair(
    std::string name, Terms terms, std::size_t pair, std::size_t time, double right, double most
) {
    for (Term& term : terms) {
        term.coefficient = -term.coefficient;
    }
    terms.push_back({time, 1});
    terms.push_back({pair, -most});
    programme_.row(std::move(name), std::move(terms), Sense::at_least, right - most);
}

/// Adds the rows of StepDelay's gather for one pair of hosts: `time` is at least the time at which
/// `target` has x and all outputs.
void MilpWriter::wait_for_units(
    const UnitVariables& units,
    std::size_t layer,
    std::size_t holder,
    std::size_t target,
    std::size_t pair,
    std::size_t time,
    Unit unit
) {
    const std::string name = fmt::format(
        "{}_L{}_{}__{}",
        unit == Unit::group ? "wait" : "wait_ffn",
        layer,
        names_[holder],
        names_[target]
    );
    const double busy = to_ms(step_.x_busy(holder, target));
    const double latency = to_ms(step_.link_latency(holder, target));
    for (std::size_t j = 0; j < tables_.devices(); ++j) {
        Terms terms;
        Terms queued; // outputs that wait on the link until x and the units' input have been sent
        double most = 0;
        for (std::int32_t n = 1; n <= units.units && usable(j); ++n) {
            const std::size_t is = units.is[j][static_cast<std::size_t>(n)];
            const double t = to_ms(step_.partial(layer, holder, j, target, n, unit));
            const double sent = to_ms(step_.outputs_time(j, target, n)) + latency + 2 * busy;
            terms.push_back({is, t});
            queued.push_back({is, sent});
            most = std::max({most, t, sent});
        }
        if (terms.empty()) {
            continue;
        }
        wait_for_pair(fmt::format("{}_for__{}", name, names_[j]), terms, pair, time, 0, most);
        if (j == holder && holder != target) {
            queued.push_back({units.is[target][0], -busy});
            wait_for_pair(name + "_after__x", queued, pair, time, 0, most);
        }
    }
    if (holder != target) {
        const double most = 2 * busy + latency;
        wait_for_pair(name + "_for__x", {{units.is[target][0], -busy}}, pair, time, most, most);
    }
}

void MilpWriter::write_slices(std::size_t layer, const Host& hub) {
    UnitVariables slices = place_units(2 * layer + 1, "s");
    count_units(slices, "s", layer);
    const std::size_t time =
        programme_.variable(fmt::format("time_ffn_L{}", layer), VariableKind::continuous);
    programme_.cost(time, steps_);
    for (std::size_t d = 0; d < tables_.devices(); ++d) {
        if (hub.at[d] != kNone) { // a hub only takes its overhead, after the groups and the slices
            programme_.cost(hub.at[d], 2 * steps_ * to_ms(step_.operation_overhead(d)));
            wait_for_units(slices, layer, d, d, hub.at[d], time, Unit::slice);
        }
    }
}

void MilpWriter::write_physical_layer(std::size_t layer) {
    const std::string suffix = fmt::format("_L{}", layer);
    const bool sliced = tables_.sliced();
    UnitVariables groups = place_units(sliced ? 2 * layer : layer, "n");
    count_units(groups, "n", layer);
    const Item& host_item = *tables_.chain_item(layer + 1);
    const Host host = place_host(host_item, (sliced ? "hub" : "ffn") + suffix);
    const Host target = sliced ? host : place_host(tables_.proj(layer), "proj" + suffix);
    const std::size_t time = programme_.variable("time" + suffix, VariableKind::continuous);
    programme_.cost(time, steps_);
    const std::vector<OnDevice> inputs = pairs(holder_, target, "x" + suffix);
    for (std::size_t a = 0; a < tables_.devices(); ++a) {
        for (std::size_t p = 0; p < tables_.devices(); ++p) {
            if (inputs[a][p] != kNone) {
                wait_for_units(groups, layer, a, p, inputs[a][p], time, Unit::group);
            }
        }
    }
    if (sliced) {
        write_slices(layer, host);
    } else {
        const std::vector<OnDevice> outputs = pairs(target, host, "y" + suffix);
        for (std::size_t p = 0; p < tables_.devices(); ++p) {
            if (target.at[p] == kNone) {
                continue;
            }
            programme_.cost(target.at[p], steps_ * to_ms(step_.proj_time(layer, p)));
            for (std::size_t f = 0; f < tables_.devices(); ++f) {
                if (outputs[p][f] != kNone) {
                    programme_.cost(outputs[p][f], steps_ * to_ms(step_.from_proj(layer, p, f)));
                }
            }
        }
    }
    holder_ = host;
}

/// Adds D_T of a layer and its compute constraint.
void MilpWriter::write_paper_layer(std::size_t layer) {
    const Problem& problem = tables_.problem();
    const Blocks& blocks = *problem.blocks;
    const BlockCost group = cost_of(problem, blocks.group(0, 0));
    const BlockCost proj = cost_of(problem, blocks.proj(0));
    const BlockCost ffn = cost_of(problem, blocks.ffn(0));
    const std::string suffix = fmt::format("_L{}", layer);
    const UnitVariables groups = place_units(layer, "n");
    const Host target = place_host(tables_.proj(layer), "proj" + suffix);
    const Host host = place_host(*tables_.chain_item(layer + 1), "ffn" + suffix);
    const std::size_t slowest = programme_.variable("time" + suffix, VariableKind::continuous);
    programme_.cost(slowest, steps_);
    const std::size_t longest = programme_.variable("gather" + suffix, VariableKind::continuous);
    programme_.cost(longest, step_.gathers_max() ? steps_ : 0);
    const std::vector<OnDevice> outputs = pairs(target, host, "y" + suffix);
    const auto bandwidth = [&](std::size_t a, std::size_t b) {
        return a == b ? kUnlimited : problem.snapshot.link_at(tables_.link(a, b)).bandwidth;
    };
    for (std::size_t j = 0; j < tables_.devices(); ++j) {
        if (!usable(j)) {
            continue;
        }
        const Snapshot::Device& device = problem.snapshot.devices[j];
        programme_.row(
            named("wait", layer, j),
            {{groups.count[j], formula_ms(group.compute, device.compute)}, {slowest, -1}},
            Sense::at_most,
            0
        );
        if (const Flops limit = compute_limit(problem, device); limit != kUnlimited) {
            programme_.row(
                named("budget", layer, j),
                {{groups.count[j], static_cast<double>(group.compute) / kFlopUnit},
                 {target.at[j], static_cast<double>(proj.compute) / kFlopUnit},
                 {host.at[j], static_cast<double>(ffn.compute) / kFlopUnit}},
                Sense::at_most,
                static_cast<double>(limit) / kFlopUnit
            );
        }
        programme_.cost(target.at[j], steps_ * formula_ms(proj.compute, device.compute));
        programme_.cost(host.at[j], steps_ * formula_ms(ffn.compute, device.compute));
        Terms sent = {{groups.count[j], -1}};
        Terms most = {{longest, -1}};
        for (std::size_t k = 0; k < tables_.devices(); ++k) {
            if (!usable(k)) {
                continue;
            }
            const std::size_t to = programme_.variable(
                fmt::format("{}__{}", named("out", layer, j), names_[k]), VariableKind::continuous
            );
            const double each = formula_ms(group.output, bandwidth(j, k));
            programme_.cost(to, step_.gathers_max() ? 0 : steps_ * each);
            sent.push_back({to, 1});
            most.push_back({to, each});
            programme_.row(
                fmt::format("{}__{}", named("to", layer, j), names_[k]),
                {{to, 1}, {target.at[k], -static_cast<double>(groups.units)}},
                Sense::at_most,
                0
            );
            programme_.cost(outputs[j][k], steps_ * formula_ms(proj.output, bandwidth(j, k)));
        }
        programme_.row(named("out", layer, j), std::move(sent), Sense::equal, 0);
        if (step_.gathers_max()) {
            programme_.row(named("gather", layer, j), std::move(most), Sense::at_most, 0);
        }
    }
}

} // namespace headroom::scheduler::milp
