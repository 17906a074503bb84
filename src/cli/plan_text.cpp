#include "cli/plan_text.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/text_table.hpp"
#include "scheduler/policy.hpp"

namespace headroom::cli {

namespace {

using runtime::CriticalPart;
using runtime::DevicePlan;
using runtime::Plan;
using runtime::PolicyPlan;

/// More rows help nobody.
constexpr std::size_t kDevicesShown = 16;
constexpr std::size_t kPartsShown = 3;

std::string percent(double part) {
    return fmt::format("{:.0f} %", 100.0 * part);
}

double share_of(Nanoseconds time, const PolicyPlan& plan) {
    const Nanoseconds whole = plan.decision.inference;
    return whole > 0 ? static_cast<double>(time) / static_cast<double>(whole) : 0;
}

std::string per_token(Nanoseconds time) {
    return time == kNever ? "never" : format_duration(time);
}

std::string tokens_per_s(Nanoseconds time) {
    return time == kNever || time <= 0 ? "-"
                                       : fmt::format("{:.3g}", 1e9 / static_cast<double>(time));
}

class PlanText {
  public:
    PlanText(const Plan& plan, const config::Scenario& scenario, Terminal terminal)
        : plan_(plan), fleet_(scenario.fleet), terminal_(terminal) {}

    [[nodiscard]] std::string comparison() const {
        TextTable table(
            {"policy",
             "per token",
             "tokens/s",
             "above bound",
             "devices",
             "fullest device",
             "held back most by"}
        );
        for (const PolicyPlan& plan : plan_.policies) {
            table.add(row(plan));
        }
        std::string text = table.text() + "\n";
        text += plan_.bound_s ? fmt::format(
                                    "  {}: {:.6g} s for a migration and {} tokens\n",
                                    plan_.proven ? "proven optimum" : "proven bound",
                                    *plan_.bound_s,
                                    plan_.interval
                                )
                              : fmt::format("  {}\n", plan_.bound_note);
        for (const PolicyPlan& plan : plan_.policies) {
            if (!plan.decision.feasible) {
                text += fmt::format(
                    "  {} finds nothing: {}\n",
                    scheduler::name_of(plan.policy),
                    plan.decision.reason
                );
            }
        }
        return text;
    }

    [[nodiscard]] std::string details(const PolicyPlan& plan) const {
        TextTable table(
            {"device",
             "blocks",
             "weights, cache",
             "buffers",
             "budget",
             "used",
             "compute",
             "transfer",
             "wait",
             "idle",
             "holds back"}
        );
        std::size_t left_out = 0;
        std::size_t shown = 0;
        for (const std::size_t d : by_load(plan)) {
            if (plan.devices[d].blocks == 0 || shown == kDevicesShown) {
                ++left_out;
                continue;
            }
            ++shown;
            table.add(device_row(plan, d));
        }
        std::string text = fmt::format(
            "\n{}: {} per token\n{}",
            bold(std::string(scheduler::name_of(plan.policy))),
            per_token(plan.decision.inference),
            table.text()
        );
        if (left_out > 0) {
            text += fmt::format("  and {} more that hold less or nothing\n", left_out);
        }
        return text + critical_text(plan);
    }

  private:
    [[nodiscard]] std::string bold(const std::string& text) const {
        return terminal_.out ? "\x1b[1m" + text + "\x1b[0m" : text;
    }

    [[nodiscard]] const std::string& name(DeviceId d) const {
        return fleet_.devices[d.index()].name;
    }

    [[nodiscard]] std::string place(const CriticalPart& part) const {
        return part.computing() ? name(part.from)
                                : fmt::format("{} -> {}", name(part.from), name(part.to));
    }

    [[nodiscard]] std::vector<std::string> row(const PolicyPlan& plan) const {
        const std::string policy(scheduler::name_of(plan.policy));
        if (!plan.decision.feasible) {
            return {policy, "nothing fits", "-", "-", "-", "-", "-"};
        }
        const auto used =
            std::count_if(plan.devices.begin(), plan.devices.end(), [](const DevicePlan& device) {
                return device.blocks > 0;
            });
        const DevicePlan& full = fullest(plan);
        std::string most = "-";
        if (plan.share && !plan.share->critical.empty()) {
            const CriticalPart& part = plan.share->critical.front();
            most = fmt::format("{} ({})", place(part), percent(share_of(part.time, plan)));
        }
        return {
            policy,
            per_token(plan.decision.inference),
            tokens_per_s(plan.decision.inference),
            plan.gap ? fmt::format("{:.1f} %", 100.0 * *plan.gap) : "-",
            fmt::format("{} of {}", used, plan.devices.size()),
            fmt::format("{} of {}", format_bytes(full.held()), format_bytes(full.budget)),
            most,
        };
    }

    static const DevicePlan& fullest(const PolicyPlan& plan) {
        return *std::max_element(
            plan.devices.begin(),
            plan.devices.end(),
            [](const DevicePlan& a, const DevicePlan& b) {
                return static_cast<double>(a.held()) * static_cast<double>(b.budget) <
                       static_cast<double>(b.held()) * static_cast<double>(a.budget);
            }
        );
    }

    /// Devices that compute longest first.
    static std::vector<std::size_t> by_load(const PolicyPlan& plan) {
        std::vector<std::size_t> order(plan.devices.size());
        for (std::size_t d = 0; d < order.size(); ++d) {
            order[d] = d;
        }
        if (order.size() > kDevicesShown && plan.share) {
            std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
                return plan.share->devices[a].compute > plan.share->devices[b].compute;
            });
        }
        return order;
    }

    /// On the critical path: what it computes, and what is on the way from it.
    static Nanoseconds held_back_by(const PolicyPlan& plan, std::size_t d) {
        Nanoseconds time = 0;
        for (const CriticalPart& part : plan.share->critical) {
            time += part.from.index() == d ? part.time : 0;
        }
        return time;
    }

    [[nodiscard]] std::vector<std::string> device_row(const PolicyPlan& plan, std::size_t d) const {
        const DevicePlan& device = plan.devices[d];
        std::vector<std::string> row{
            fleet_.devices[d].name,
            fmt::format("{}", device.blocks),
            format_bytes(device.resident),
            format_bytes(device.buffers),
            format_bytes(device.budget),
            device.budget > 0
                ? percent(static_cast<double>(device.held()) / static_cast<double>(device.budget))
                : "-",
        };
        if (!plan.share) {
            row.insert(row.end(), {"-", "-", "-", "-", "-"});
            return row;
        }
        const runtime::DeviceTime& time = plan.share->devices[d];
        for (const Nanoseconds part : {time.compute, time.transfer, time.wait, time.idle}) {
            row.push_back(percent(share_of(part, plan)));
        }
        row.push_back(percent(share_of(held_back_by(plan, d), plan)));
        return row;
    }

    [[nodiscard]] std::string critical_text(const PolicyPlan& plan) const {
        if (!plan.share) {
            return "  a step never ends: a rate stays 0\n";
        }
        Nanoseconds computing = 0;
        for (const CriticalPart& part : plan.share->critical) {
            computing += part.computing() ? part.time : 0;
        }
        std::string text = fmt::format(
            "  of a token's time {} is computing and {} on the way; most of it:",
            percent(share_of(computing, plan)),
            percent(1 - share_of(computing, plan))
        );
        for (std::size_t i = 0; i < std::min(kPartsShown, plan.share->critical.size()); ++i) {
            const CriticalPart& part = plan.share->critical[i];
            text +=
                fmt::format("{} {} {}", i == 0 ? "" : ",", place(part), format_duration(part.time));
        }
        return text + "\n";
    }

    const Plan& plan_;
    const scheduler::Fleet& fleet_;
    Terminal terminal_;
};

/// JSON has no infinity.
nlohmann::json finite(Nanoseconds time) {
    return time == kNever ? nlohmann::json() : nlohmann::json(time);
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
        const runtime::DeviceTime& time = plan.share->devices[d];
        json["compute_ns"] = time.compute;
        json["transfer_ns"] = time.transfer;
        json["wait_ns"] = time.wait;
        json["idle_ns"] = time.idle;
    }
    return json;
}

nlohmann::json policy_json(const PolicyPlan& plan, const config::Scenario& scenario) {
    nlohmann::json json{
        {"policy", scheduler::name_of(plan.policy)},
        {"feasible", plan.decision.feasible},
        {"reason", plan.decision.reason},
    };
    if (!plan.decision.feasible) {
        return json;
    }
    json["inference_ns"] = finite(plan.decision.inference);
    json["objective_s"] = plan.objective_s; // infinite: null
    json["gap"] = plan.gap ? nlohmann::json(*plan.gap) : nlohmann::json();
    json["devices"] = nlohmann::json::array();
    for (std::size_t d = 0; d < plan.devices.size(); ++d) {
        json["devices"].push_back(device_json(plan, scenario, d));
    }
    json["critical_path"] = nlohmann::json::array();
    if (plan.share) {
        for (const CriticalPart& part : plan.share->critical) {
            json["critical_path"].push_back(
                {{"from", scenario.fleet.devices[part.from.index()].name},
                 {"to", scenario.fleet.devices[part.to.index()].name},
                 {"kind", part.computing() ? "compute" : "transfer"},
                 {"time_ns", part.time}}
            );
        }
    }
    nlohmann::json placement = nlohmann::json::array();
    for (const DeviceId device : plan.decision.placement) {
        placement.push_back(device.value);
    }
    json["placement"] = placement;
    return json;
}

/// The one with the least objective; null if nothing fits.
const PolicyPlan* best_of(const Plan& plan) {
    const PolicyPlan* best = nullptr;
    for (const PolicyPlan& policy : plan.policies) {
        if (policy.decision.feasible &&
            (best == nullptr || policy.objective_s < best->objective_s)) {
            best = &policy;
        }
    }
    return best;
}

} // namespace

std::string plan_text(
    const Plan& plan, const config::Scenario& scenario, bool detailed, Terminal terminal
) {
    const PlanText writer(plan, scenario, terminal);
    std::string text = writer.comparison();
    if (!detailed) {
        const PolicyPlan* const best = best_of(plan);
        return best == nullptr ? text : text + writer.details(*best);
    }
    for (const PolicyPlan& policy : plan.policies) {
        if (policy.decision.feasible) {
            text += writer.details(policy);
        }
    }
    return text;
}

nlohmann::json plan_json(const Plan& plan, const config::Scenario& scenario) {
    nlohmann::json policies = nlohmann::json::array();
    for (const PolicyPlan& policy : plan.policies) {
        policies.push_back(policy_json(policy, scenario));
    }
    return {
        {"model", scenario.model_name()},
        {"context", plan.context},
        {"interval", plan.interval},
        {"blocks", plan.blocks},
        {"bound_s", plan.bound_s ? nlohmann::json(*plan.bound_s) : nlohmann::json()},
        {"proven", plan.proven},
        {"bound_note", plan.bound_note},
        {"policies", policies},
    };
}

} // namespace headroom::cli
