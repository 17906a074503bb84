#include "cli/plan/plan_json.hpp"

#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/block.hpp"
#include "scheduler/explain/explanation_text.hpp"
#include "scheduler/policies/registry.hpp"

namespace headroom::cli {

namespace {

using runtime::CriticalPart;
using runtime::DevicePlan;
using runtime::Plan;
using runtime::PolicyPlan;
using runtime::StayPlan;

/// Returns null for a time that is never, because JSON has no infinity.
nlohmann::json finite(Nanoseconds time) {
    return time == kNever ? nlohmann::json() : nlohmann::json(time);
}

nlohmann::json placement_json(const scheduler::Placement& placement) {
    nlohmann::json json = nlohmann::json::array();
    for (const DeviceId device : placement) {
        json.push_back(device.value);
    }
    return json;
}

/// Returns what each device lacks, in bytes, or in FLOP within T_budget.
nlohmann::json shortages_json(
    const scheduler::Explanation& why, const scheduler::DeviceNames& names
) {
    nlohmann::json json = nlohmann::json::array();
    for (const scheduler::AnyShortage& shortage : why.shortages) {
        if (const auto* const memory = std::get_if<scheduler::MemoryShortage>(&shortage)) {
            json.push_back(
                {{"device", names[memory->device.index()]},
                 {"needs_bytes", memory->needs},
                 {"has_bytes", memory->has},
                 {"usable_bytes", memory->usable}}
            );
        } else if (const auto* const flop = std::get_if<scheduler::ComputeShortage>(&shortage)) {
            json.push_back(
                {{"device", names[flop->device.index()]},
                 {"layer", flop->layer},
                 {"needs_flop", flop->needs},
                 {"does_flop", flop->does}}
            );
        } else if (const auto* const block = std::get_if<scheduler::NotOnSource>(&shortage)) {
            json.push_back(
                {{"device", names[block->source.index()]}, {"block", to_string(block->block)}}
            );
        }
    }
    return json;
}

nlohmann::json stay_json(const StayPlan& stay, const scheduler::DeviceNames& names) {
    return {
        {"fits", stay.fits},
        {"reason", scheduler::shortages_text(stay.why, names)},
        {"shortages", shortages_json(stay.why, names)},
        {"inference_ns", finite(stay.inference)},
        {"objective_s", stay.objective_s}, // infinity becomes null
    };
}

nlohmann::json moves_json(
    const PolicyPlan& plan, const std::vector<BlockName>& blocks, const config::Scenario& scenario
) {
    nlohmann::json json = nlohmann::json::array();
    for (const scheduler::MoveRecord& record : plan.moves) {
        const scheduler::Move& move = record.move;
        json.push_back(
            {{"block", to_string(blocks[move.block.index()])},
             {"from", scenario.fleet.devices[move.from.index()].name},
             {"to", scenario.fleet.devices[move.to.index()].name},
             {"sent_bytes", move.bytes},
             {"loaded_bytes", move.loaded},
             {"start_ns", finite(record.start)},
             {"end_ns", finite(record.end)}}
        );
    }
    return json;
}

nlohmann::json critical_json(const CriticalPart& part, const config::Scenario& scenario) {
    nlohmann::json json{
        {"from", scenario.fleet.devices[part.from.index()].name},
        {"to", scenario.fleet.devices[part.to.index()].name},
        {"kind", part.on_device() ? "device" : "link"},
        {"time_ns", part.time()},
    };
    if (part.on_device()) {
        json["compute_ns"] = part.parts.compute;
        json["memory_ns"] = part.parts.memory;
        json["overhead_ns"] = part.parts.overhead;
    } else {
        json["transfer_ns"] = part.parts.transfer;
        json["latency_ns"] = part.parts.latency;
    }
    return json;
}

nlohmann::json device_json(
    const PolicyPlan& plan, const config::Scenario& scenario, std::size_t d
) {
    const DevicePlan& device = plan.devices[d];
    nlohmann::json json{
        {"name", scenario.fleet.devices[d].name},
        {"blocks", device.blocks},
        {"resident_bytes", device.resident},
        {"buffer_bytes", device.buffers},
        {"budget_bytes", device.budget},
    };
    if (plan.share) {
        const runtime::TimeParts& parts = plan.share->devices[d];
        json["compute_ns"] = parts.compute;
        json["memory_ns"] = parts.memory;
        json["overhead_ns"] = parts.overhead;
        json["transfer_ns"] = parts.transfer;
        json["latency_ns"] = parts.latency;
        json["wait_ns"] = parts.wait;
        json["idle_ns"] = parts.idle;
    }
    return json;
}

nlohmann::json policy_json(
    const Plan& whole, const PolicyPlan& plan, const config::Scenario& scenario
) {
    const scheduler::DeviceNames names = scheduler::device_names(scenario.fleet);
    nlohmann::json json{
        {"policy", plan.name},
        {"feasible", plan.decision.feasible},
        {"reason", scheduler::explanation_text(plan.decision.why, names)},
        {"shortages", shortages_json(plan.decision.why, names)},
    };
    if (plan.stay) {
        json["stay"] = stay_json(*plan.stay, names);
    }
    if (!plan.decision.feasible) {
        return json;
    }
    json["inference_ns"] = finite(plan.decision.inference);
    json["in_flight"] = plan.in_flight;
    json["batch"] = plan.decision.batch;
    json["round_ns"] = finite(plan.decision.round);
    json["objective_s"] = plan.objective_s; // infinity becomes null
    json["paper_delay_s"] = plan.decision.paper_delay_s;
    json["gap"] = plan.gap ? nlohmann::json(*plan.gap) : nlohmann::json();
    json["devices"] = nlohmann::json::array();
    for (std::size_t d = 0; d < plan.devices.size(); ++d) {
        json["devices"].push_back(device_json(plan, scenario, d));
    }
    json["critical_path"] = nlohmann::json::array();
    if (plan.share) {
        for (const CriticalPart& part : plan.share->critical) {
            json["critical_path"].push_back(critical_json(part, scenario));
        }
    }
    json["placement"] = placement_json(plan.decision.placement);
    if (whole.previous) {
        json["migration_ns"] = finite(plan.decision.migration);
        json["paper_migration_s"] = plan.decision.paper_migration_s;
        json["moves"] = moves_json(plan, whole.blocks, scenario);
    }
    return json;
}

} // namespace

nlohmann::json plan_json(const Plan& plan, const config::Scenario& scenario) {
    nlohmann::json policies = nlohmann::json::array();
    for (const PolicyPlan& policy : plan.policies) {
        policies.push_back(policy_json(plan, policy, scenario));
    }
    nlohmann::json blocks = nlohmann::json::array();
    for (const BlockName& block : plan.blocks) {
        blocks.push_back(to_string(block));
    }
    nlohmann::json json{
        {"model", scenario.model_name()},
        {"at", plan.at},
        {"clock_ns", plan.previous ? plan.previous->clock : 0},
        {"context", plan.context},
        {"interval", plan.interval},
        {"in_flight", plan.in_flight},
        {"objective", config::name_of(plan.aim)},
        {"steps", plan.steps},
        {"blocks", plan.blocks.size()},
        {"block_names", blocks},
        {"device_names", scheduler::device_names(scenario.fleet)},
        {"needed",
         {{"weight_bytes", plan.demand.weights},
          {"cache_bytes", plan.demand.caches},
          {"buffer_bytes_per_device", plan.demand.buffers},
          {"budget_bytes_beside_buffers", plan.demand.budget}}},
        {"bound_s", plan.bound_s ? nlohmann::json(*plan.bound_s) : nlohmann::json()},
        {"bound_by",
         !plan.bound_s        ? nlohmann::json()
         : plan.is_root_bound ? nlohmann::json("root bound")
                              : nlohmann::json("exact")},
        {"proven", plan.proven},
        {"bound_note", plan.bound_note},
        {"policies", policies},
    };
    if (plan.previous) {
        json["previous"] = {
            {"origin", plan.previous->origin},
            {"placement", placement_json(plan.previous->placement)},
        };
    }
    return json;
}

} // namespace headroom::cli
