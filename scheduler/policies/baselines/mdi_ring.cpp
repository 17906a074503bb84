#include "scheduler/policies/baselines/mdi_ring.hpp"

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "scheduler/construct/layer_placement.hpp"
#include "scheduler/cost/memory_ledger.hpp"
#include "scheduler/explain/explanations.hpp"
#include "scheduler/explain/infeasibility.hpp"
#include "scheduler/explain/keep_previous.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::scheduler {
namespace {

/// A row of the published table.
struct Row {
    std::int32_t layers = 0;
    std::size_t devices = 0;
    std::size_t starter = 0;   ///< layers of the starter
    std::size_t secondary = 0; ///< layers of each secondary
};

constexpr Row kTable[] = {
    {5, 2, 2, 3},    {5, 3, 1, 2},    {7, 2, 3, 4},    {7, 3, 1, 3},    {9, 2, 4, 5},
    {9, 3, 1, 4},    {12, 2, 5, 7},   {12, 3, 2, 5},   {22, 2, 10, 12}, {22, 3, 6, 8},
    {22, 4, 4, 6},   {22, 5, 2, 5},   {24, 2, 10, 14}, {24, 3, 4, 10},  {32, 2, 14, 18},
    {32, 3, 8, 12},  {32, 4, 5, 9},   {32, 5, 4, 7},   {36, 2, 16, 20}, {36, 3, 10, 13},
    {48, 2, 22, 26}, {48, 3, 14, 17},
};

const Row* row_of(std::int32_t layers, std::size_t devices) {
    for (const Row& row : kTable) {
        if (row.layers == layers && row.devices == devices) {
            return &row;
        }
    }
    return nullptr;
}

/// Returns the reason of a decision for numbers that are not in the table.
std::string not_in_table(std::int32_t layers, std::size_t devices) {
    std::vector<std::size_t> of_layers;
    std::vector<std::int32_t> of_devices;
    for (const Row& row : kTable) {
        if (row.layers == layers) {
            of_layers.push_back(row.devices);
        }
        if (row.devices == devices) {
            of_devices.push_back(row.layers);
        }
    }
    return fmt::format(
        "the published table has no split of {} layers over {} devices: for {} layers it has {}, "
        "for {} devices {}; policy ring splits any number",
        layers,
        devices,
        layers,
        of_layers.empty() ? "none" : fmt::format("{} devices", fmt::join(of_layers, ", ")),
        devices,
        of_devices.empty() ? "none" : fmt::format("{} layers", fmt::join(of_devices, ", "))
    );
}

Placement split(const Problem& problem, const Row& row) {
    std::vector<DeviceId> devices(row.starter, problem.source);
    for (std::size_t d = 0; d < problem.snapshot.size(); ++d) {
        if (DeviceId(d) != problem.source) {
            devices.insert(devices.end(), row.secondary, DeviceId(d));
        }
    }
    return place_layers(problem, devices);
}

} // namespace

Decision decide_mdi_ring(const Problem& problem) {
    if (problem.previous) {
        return keep_first_placement(problem);
    }
    const std::int32_t layers = problem.blocks->shape().layers;
    const Row* const row = row_of(layers, problem.snapshot.size());
    if (row == nullptr) {
        return refused_decision(not_in_table(layers, problem.snapshot.size()));
    }
    Placement placement = split(problem, *row);
    const std::string published = fmt::format(
        "{} layers on the source and {} on each other device, by the published table",
        row->starter,
        row->secondary
    );
    if (Ledger(problem, placement).shortage() > 0) {
        return infeasible_decision(problem, placement, "room for " + published);
    }
    Decision decision = evaluate(problem, std::move(placement));
    explain_first(problem, decision);
    decision.why.notes = {published};
    return decision;
}

} // namespace headroom::scheduler
