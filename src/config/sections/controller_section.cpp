// [controller].
#include <fmt/format.h>

#include "config/sections/keys.hpp"
#include "config/sections/sections.hpp"
#include "scheduler/core/size_limits.hpp"

namespace headroom::config {

namespace {

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

/// Checks granularity, slices and reduce. For a model file, the number of slices is checked when
/// the file is read.
void check_cut(
    TableReader& table, const std::optional<ModelShape>& shape, const ControllerConfig& controller
) {
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

/// The published formulas support only one sequence, so their objective is the latency.
void restrict_objective(TableReader& table, ControllerConfig& controller) {
    if (controller.cost_profile != scheduler::CostProfile::paper) {
        return;
    }
    controller.objective = scheduler::Aim::latency;
    const auto entry = table.find("objective");
    if (entry && entry->node->value<std::string_view>() == name_of(scheduler::Aim::throughput)) {
        const std::string_view text = "= \"throughput\" has no formula in cost_profile \"paper\", "
                                      "which knows one sequence; give cost_profile = "
                                      "\"physical\" or objective = \"latency\"";
        add_problem(*entry, text, table.problems());
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

/// Checks the given placement. For a model file, it is compared with the model when the file is
/// read.
void check_given(TableReader& table, Scenario& scenario) {
    const ControllerConfig& controller = scenario.controller;
    const auto policy = table.find("policy");
    const auto given = table.find(table.find("layers") ? "layers" : "placement");
    if (!given) {
        if (const auto problem = missing_given_problem(controller, controller.policy);
            !problem.empty()) {
            add_problem(*policy, "= \"given\" " + problem, table.problems());
        }
        return;
    }
    if (!policy) {
        scenario.warnings.push_back(fmt::format(
            "{} has no effect: controller.policy is {}; policy = \"given\" or --policy given uses "
            "it",
            given->key,
            scheduler::name_of(controller.policy)
        ));
    }
    const std::optional<ModelShape>& shape = scenario.shape;
    if (!shape || !shape->problems().empty() || !slices_problem(controller, *shape).empty() ||
        !scheduler::size_problems(*shape, {}, 1).empty()) {
        return; // unknown yet, or already reported
    }
    for (const std::string& problem :
         given_problems(controller, *shape, scenario.declared.source)) {
        table.problems().add(given->node->source(), problem);
    }
}

} // namespace

void read_controller(TableReader& root, const std::filesystem::path& folder, Scenario& scenario) {
    ControllerConfig& controller = scenario.controller;
    const WorkloadConfig& workload = scenario.workload;
    const std::vector<DeviceConfig>& devices = scenario.declared.devices;
    if (workload.sequences > 1) {
        controller.objective = scheduler::Aim::throughput;
        controller.batch = 0;
    }
    auto table = root.table("controller", "[controller]");
    if (!table) {
        return;
    }
    read_keys(*table, kControllerKeys, controller);
    read_section(*table, "paper", kPaperKeys, controller.paper);
    if (controller.overload == OverloadMode::page) {
        require_storage(*table, "overload", devices);
    }
    if (controller.weights == WeightsMode::everywhere) {
        require_storage(*table, "weights", devices);
    }
    restrict_objective(*table, controller);
    read_batch(*table, workload.sequences, controller);
    check_cut(*table, scenario.shape, controller);
    read_given(*table, folder, scenario, controller.given);
    check_given(*table, scenario);
    table->explain_misplaced(
        {"sequences", "prefill_chunk", "arrivals", "tokens"}, "it belongs to [workload]"
    );
    table->finish();
}

std::optional<scheduler::PolicyKind> read_policy(TableReader& table, std::string_view key) {
    const TomlEntry entry = *table.find(key);
    const auto kind = scheduler::policy_named(entry.node->value_or(std::string_view()));
    if (!kind) {
        const auto names = scheduler::policy_names();
        table.report_invalid_choice(entry, {names.begin(), names.end()}, {});
    }
    return kind;
}

} // namespace headroom::config
