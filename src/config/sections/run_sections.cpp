// [controller] and [clock].
#include <fmt/format.h>

#include "config/sections/sections.hpp"

namespace headroom::config {

namespace {

constexpr std::int64_t kMaxSlices = 65'536;

/// Reads the policy. The scheduler defines the names of policies.
std::optional<scheduler::PolicyKind> read_policy(TableReader& table) {
    const auto entry = table.find("policy");
    if (!entry) {
        return std::nullopt;
    }
    const auto kind = scheduler::policy_named(entry->node->value_or(std::string_view()));
    if (!kind) {
        const auto names = scheduler::policy_names();
        table.report_invalid_choice(*entry, {names.begin(), names.end()}, {});
    }
    return kind;
}

/// Checks the keys that have a single valid value.
void read_only_choices(TableReader& table) {
    for (const OnlyChoice& choice : kOnlyChoices) {
        const auto entry = table.find(choice.key);
        if (entry && entry->node->value<std::string_view>() != choice.built) {
            table.report_invalid_choice(
                *entry, {std::string(choice.built)}, {std::string(choice.planned)}
            );
        }
    }
}

/// Adds a problem if a device has no storage although the value of this key requires it.
void require_storage(
    TableReader& table, std::string_view key, const std::vector<DeviceConfig>& devices
) {
    std::vector<std::string> lacking;
    for (const DeviceConfig& device : devices) {
        if (!device.storage_bandwidth) {
            lacking.push_back(device.name);
        }
    }
    if (!lacking.empty()) {
        const TomlEntry entry = *table.find(key);
        const auto text = fmt::format(
            "= {} needs a storage_bandwidth on every device; without one: {}",
            found_text(*entry.node),
            shortened_list(lacking)
        );
        add_problem(entry, text, table.problems());
    }
}

/// Reads [controller.paper].
void read_paper(TableReader& controller, scheduler::PaperSettings& paper) {
    auto table = controller.table("paper", "[controller.paper]");
    if (!table) {
        return;
    }
    paper.gather = table->choice("gather", kPaperGathers, kNonePlanned).value_or(paper.gather);
    paper.score = table->choice("score", kPaperScores, kNonePlanned).value_or(paper.score);
    paper.backtracks = table->integer("backtracks", 0, kMaxCount).value_or(paper.backtracks);
    table->finish();
}

/// Reads granularity, slices and reduce. For a model file, the number of slices is checked when the
/// file is read.
void read_cut(
    TableReader& table,
    const std::optional<scheduler::ModelShape>& shape,
    ControllerConfig& controller
) {
    controller.granularity =
        table.choice("granularity", kGranularities, kNonePlanned).value_or(controller.granularity);
    const auto slices = table.integer("slices", 1, kMaxSlices);
    controller.slices = static_cast<std::int32_t>(slices.value_or(controller.slices));
    controller.reduce = table.choice("reduce", kReduces, kNonePlanned).value_or(controller.reduce);
    if (controller.granularity == scheduler::Granularity::paper) {
        for (const std::string_view key : {"slices", "reduce"}) {
            if (const auto entry = table.find(key)) {
                const std::string_view text = "has no effect in granularity \"paper\"; give "
                                              "granularity = \"sliced\" or leave it out";
                add_problem(*entry, text, table.problems());
            }
        }
    } else if (controller.cost_profile == scheduler::CostProfile::paper) {
        const std::string_view text = "= \"sliced\" has no costs in cost_profile \"paper\", whose "
                                      "formulas know heads, proj and ffn; give cost_profile = "
                                      "\"physical\" or granularity = \"paper\"";
        add_problem(*table.find("granularity"), text, table.problems());
    }
    if (const std::string problem = shape ? slices_problem(controller, *shape) : "";
        !problem.empty()) {
        const auto entry = table.find(table.find("slices") ? "slices" : "granularity");
        table.problems().add(entry->node->source(), problem);
    }
}

/// Reads objective. The published formulas support only one sequence.
void read_objective(TableReader& table, ControllerConfig& controller) {
    const auto objective = table.choice("objective", kAims, kNonePlanned);
    if (controller.cost_profile != scheduler::CostProfile::paper) {
        controller.objective = objective.value_or(controller.objective);
        return;
    }
    controller.objective = scheduler::Aim::latency;
    if (objective == scheduler::Aim::throughput) {
        const std::string_view text = "= \"throughput\" has no formula in cost_profile \"paper\", "
                                      "which knows one sequence; give cost_profile = "
                                      "\"physical\" or objective = \"latency\"";
        add_problem(*table.find("objective"), text, table.problems());
    }
}

/// Reads batch. A batch has at most one turn of each sequence in flight.
void read_batch(TableReader& table, std::int64_t sequences, ControllerConfig& controller) {
    const auto entry = table.find("batch");
    if (!entry) {
        return;
    }
    if (entry->node->value<std::string_view>() == kAutomaticBatch) {
        controller.batch = 0;
        return;
    }
    const auto* const integer = entry->node->as_integer();
    if (integer == nullptr || integer->get() < 1) {
        const auto expected = fmt::format("a whole number from 1 on or \"{}\"", kAutomaticBatch);
        add_mismatch(*entry, expected, table.problems());
        return;
    }
    controller.batch = integer->get();
    if (controller.batch > sequences) {
        const auto text = fmt::format(
            "= {} joins more turns than there are sequences in flight (workload.sequences = {}); "
            "give at most {} or \"{}\"",
            controller.batch,
            sequences,
            sequences,
            kAutomaticBatch
        );
        add_problem(*entry, text, table.problems());
    }
}

} // namespace

ControllerConfig read_controller(
    TableReader& root,
    const WorkloadConfig& workload,
    const std::vector<DeviceConfig>& devices,
    const std::optional<scheduler::ModelShape>& shape
) {
    ControllerConfig controller;
    if (workload.sequences > 1) {
        controller.objective = scheduler::Aim::throughput;
        controller.batch = 0;
    }
    auto table = root.table("controller", "[controller]");
    if (!table) {
        return controller;
    }
    controller.policy = read_policy(*table).value_or(controller.policy);
    controller.interval = table->integer("interval", 1, kMaxCount).value_or(controller.interval);
    controller.overload =
        table->choice("overload", kOverloads, kNonePlanned).value_or(controller.overload);
    controller.weights =
        table->choice("weights", kWeights, kNonePlanned).value_or(controller.weights);
    if (controller.overload == OverloadMode::page) {
        require_storage(*table, "overload", devices);
    }
    if (controller.weights == WeightsMode::everywhere) {
        require_storage(*table, "weights", devices);
    }
    controller.cost_profile = table->choice("cost_profile", kCostProfiles, kNonePlanned)
                                  .value_or(controller.cost_profile);
    read_objective(*table, controller);
    read_batch(*table, workload.sequences, controller);
    controller.t_budget = table->quantity("t_budget", Quantity::duration, Zero::refused)
                              .value_or(controller.t_budget);
    read_paper(*table, controller.paper);
    read_cut(*table, shape, controller);
    controller.ends = table->choice("ends", kEnds, kNonePlanned).value_or(controller.ends);
    controller.memory_window = table->quantity("memory_window", Quantity::duration, Zero::allowed)
                                   .value_or(controller.memory_window);
    controller.memory_reserve =
        table->fraction("memory_reserve").value_or(controller.memory_reserve);
    controller.look_ahead = table->flag("look_ahead").value_or(controller.look_ahead);
    controller.node_limit =
        table->integer("node_limit", 1, kMaxCount).value_or(controller.node_limit);
    read_only_choices(*table);
    for (const std::string_view key : {"sequences", "prefill_chunk", "arrivals", "tokens"}) {
        table->explain_misplaced(key, "it belongs to [workload]");
    }
    table->finish();
    return controller;
}

ClockConfig read_clock(TableReader& root) {
    ClockConfig clock;
    auto table = root.table("clock", "[clock]");
    if (!table) {
        return clock;
    }
    clock.mode = table->choice("mode", kClockModes, kPlannedClockModes).value_or(clock.mode);
    if (const auto entry = table->find("scale")) {
        clock.scale =
            read_number(*entry, 0, 1e6, Zero::refused, table->problems()).value_or(clock.scale);
    }
    table->finish();
    return clock;
}

} // namespace headroom::config
