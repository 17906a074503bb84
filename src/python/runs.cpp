#include "python/runs.hpp"

#include <array>
#include <cstdint>
#include <limits>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <pybind11/stl.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "python/arrays.hpp"
#include "python/decider.hpp"
#include "python/problem/decision_type.hpp"
#include "python/problem/evaluation.hpp"
#include "python/scenario_type.hpp"
#include "python/trace_type.hpp"
#include "python/version.hpp"
#include "runtime/offline/planning.hpp"
#include "runtime/offline/recording.hpp"
#include "runtime/offline/replay.hpp"
#include "runtime/offline/simulate.hpp"
#include "scheduler/explain/explanation_text.hpp"
#include "trace/hdf5/writer.hpp"
#include "trace/records/labels.hpp"

namespace headroom::python {

namespace {

using runtime::PlanRequest;
using runtime::RunOptions;
using runtime::RunOutcome;
using scheduler::PolicyKind;

/// Keeps all rows, and passes them to a trace file if there is one.
class RecordingSink final : public trace::Sink {
  public:
    /// path: of the trace file; empty for none.
    RecordingSink(const std::string& path, bool overwrite) {
        if (!path.empty()) {
            file_ = trace::make_hdf5_sink(path, overwrite, [this](const std::string& warning) {
                warnings.push_back(warning);
            });
        }
    }
    void begin(const trace::RunHeader& header) override {
        if (file_) {
            file_->begin(header);
        }
        kept.begin(header);
    }
    void commit(const trace::Interval& interval) override {
        if (file_) {
            file_->commit(interval);
        }
        kept.commit(interval);
    }
    void end(trace::Completion completion) override {
        if (file_) {
            file_->end(completion);
        }
        kept.end(completion);
    }

    trace::MemorySink kept;
    std::vector<std::string> warnings;

  private:
    std::unique_ptr<trace::Sink> file_;
};

std::string host_name() {
    std::array<char, 256> name{};
    return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

/// Where a run writes its trace, and what it records.
struct Recording {
    std::string path; ///< empty: no file
    bool overwrite = false;
    bool ops = false;
};

/// Calls execute(options) without the interpreter's lock and returns the run as a dict.
template <class Execute>
py::dict run(
    const config::Scenario& scenario,
    const Decider& decider,
    const Recording& recording,
    const Execute& execute
) {
    std::unique_ptr<RecordingSink> sink;
    const auto work = [&] {
        sink = std::make_unique<RecordingSink>(recording.path, recording.overwrite);
        RunOptions options;
        options.scenario = &scenario;
        options.policy = &decider.policy();
        options.trace_ops = recording.ops;
        options.stop = InterruptWatch::check;
        options.sink = sink.get();
        options.attributes["program_version"] = HEADROOM_VERSION;
        options.attributes["program_commit"] = HEADROOM_COMMIT;
        options.attributes["transport"] = "none";
        options.attributes["host"] = host_name();
        return execute(options);
    };
    const RunOutcome outcome = without_lock(work, decider);
    auto recorded = std::make_shared<PythonTrace>();
    recorded->trace.header = std::move(sink->kept.header);
    recorded->trace.intervals = std::move(sink->kept.intervals);
    recorded->trace.completion = sink->kept.completion;
    py::dict fields;
    for (const ErrorField& field : outcome.fields) {
        fields[py::str(std::string(field.name))] =
            std::visit([](const auto& value) { return py::cast(value); }, field.value);
    }
    return py::dict(
        py::arg("policy") = decider.policy().name(),
        py::arg("trace") = recorded,
        py::arg("exit_code") = outcome.exit_code,
        py::arg("message") = outcome.message,
        py::arg("fields") = fields,
        py::arg("cause") = decider.raised(),
        py::arg("warnings") = sink->warnings
    );
}

/// A policy as the Python part of the module passes it: (name, version, callable or None).
using Asked = std::tuple<std::string, std::string, py::object>;

config::Scenario scenario_for(const PythonScenario& in, const Asked& asked) {
    const auto& [name, version, callable] = asked;
    if (!callable.is_none()) {
        return in.under_own_policy();
    }
    return scheduler::name_of(in.scenario.controller.policy) == name ? in.scenario : in.under(name);
}

py::dict simulate(
    const PythonScenario& in, const Asked& asked, const std::string& path, bool overwrite, bool ops
) {
    const auto& [name, version, callable] = asked;
    const config::Scenario scenario = scenario_for(in, asked);
    const Decider decider(callable, name, version);
    return run(scenario, decider, {path, overwrite, ops}, [](const RunOptions& options) {
        return runtime::simulate(options, InterruptWatch::check);
    });
}

/// Throws InputError if the trace is of a schema version that cannot be computed again.
void check_version(const PythonTrace& in, const std::string& path) {
    if (in.trace.header.model.empty()) {
        throw InputError(fmt::format(
            "{}: does not hold the model's shape, expected a trace of schema version {}; run the "
            "scenario again",
            path,
            trace::kSchemaVersion
        ));
    }
}

/// Calls `action`. Puts the name of the trace in front of the message of an InputError.
template <class Action>
auto with_name(const std::string& path, const Action& action) {
    try {
        return action();
    } catch (const InputError& error) {
        throw InputError(fmt::format("{}: {}", path, error.what()));
    }
}

py::dict replay_under(
    const PythonTrace& recorded,
    const std::string& recorded_path,
    const Asked& asked,
    const std::string& path,
    bool overwrite,
    bool ops
) {
    const auto& [name, version, callable] = asked;
    check_version(recorded, recorded_path);
    config::Overrides changes;
    if (callable.is_none()) {
        changes.policy = name;
    }
    config::Scenario scenario = with_name(recorded_path, [&] {
        return runtime::recorded_scenario(recorded.trace.header, changes);
    });
    if (!callable.is_none()) {
        scenario.controller.policy = PolicyKind::custom;
    }
    const Decider decider(callable, name, version);
    return run(scenario, decider, {path, overwrite, ops}, [&](const RunOptions& options) {
        return with_name(recorded_path, [&] {
            return runtime::replay_under(recorded.trace, options, InterruptWatch::check);
        });
    });
}

/// The version of a policy that is not there, which no trace has. A replay takes the decisions of
/// other versions as recorded.
constexpr const char* kNotGiven = "not given";

[[noreturn]] scheduler::Placement never_asked(const scheduler::Problem& /*problem*/) {
    throw Bug("a policy that was not given is asked");
}

py::dict verify(
    const PythonTrace& recorded, const std::string& path, const std::optional<Asked>& own
) {
    check_version(recorded, path);
    const trace::RunHeader& header = recorded.trace.header;
    const config::Scenario scenario =
        with_name(path, [&] { return runtime::recorded_scenario(header, {}); });
    const PolicyKind kind = scenario.controller.policy;
    if (own && kind != PolicyKind::custom) {
        throw InputError(fmt::format(
            "{}: was decided by {}, a policy of headroom, expected no recorded_policy",
            path,
            scheduler::name_of(kind)
        ));
    }
    std::unique_ptr<Decider> decider;
    std::unique_ptr<scheduler::Policy> absent;
    if (own) {
        decider = std::make_unique<Decider>(
            std::get<2>(*own), trace::attribute_of(header, "policy"), std::get<1>(*own)
        );
    } else if (kind == PolicyKind::custom) {
        absent = std::make_unique<scheduler::CustomPolicy>(
            trace::attribute_of(header, "policy"), kNotGiven, never_asked
        );
    } else {
        decider = std::make_unique<Decider>(py::none(), std::string(scheduler::name_of(kind)), "");
    }
    const Decider* const asked = decider.get();
    const auto work = [&] {
        return with_name(path, [&] {
            const scheduler::Policy& policy = asked != nullptr ? asked->policy() : *absent;
            return runtime::replay(recorded.trace, scenario, policy, {{}, InterruptWatch::check});
        });
    };
    const runtime::Replay replay =
        asked != nullptr ? without_lock(work, *asked) : without_lock(work);
    return py::dict(
        py::arg("policy") = replay.policy,
        py::arg("differences") = replay.differences,
        py::arg("intervals") = replay.intervals,
        py::arg("as_recorded") = replay.as_recorded.count,
        py::arg("decision_differs") = replay.decision_differs
    );
}

/// What a plan starts from.
struct Start {
    py::object previous; ///< None, the name of a policy, or a placement
    std::int64_t at = 0;
    std::int64_t clock = 0;
};

/// Returns the workload, and sets the request's moment and previous placement.
runtime::WorkloadDescription prepare(
    const config::Scenario& scenario, const Start& start, PlanRequest& request
) {
    auto workload = without_lock([&] { return runtime::describe_workload(scenario); });
    request.at = start.at;
    request.stop = InterruptWatch::check;
    if (py::isinstance<py::str>(start.previous)) {
        const auto kind = *scheduler::policy_named(start.previous.cast<std::string>());
        request.previous =
            without_lock([&] { return runtime::first_choice(scenario, workload, kind); });
    } else if (!start.previous.is_none()) {
        const scheduler::Blocks blocks(workload.shape, scenario.controller.cut());
        request.previous = runtime::PreviousPlacement{
            checked_placement(blocks, scenario.fleet.size(), start.previous), "previous", 0};
    }
    if (request.previous) {
        request.previous->clock = start.clock;
    }
    return workload;
}

py::object device_table(const runtime::PolicyPlan& plan) {
    const auto& devices = plan.devices;
    const auto column = [&](auto runtime::DevicePlan::*member) {
        return array_of<std::int64_t>(devices.size(), [&](std::size_t d) {
            return devices[d].*member;
        });
    };
    return table_of(
        {{"blocks", column(&runtime::DevicePlan::blocks)},
         {"resident_bytes", column(&runtime::DevicePlan::resident)},
         {"buffer_bytes", column(&runtime::DevicePlan::buffers)},
         {"budget_bytes", column(&runtime::DevicePlan::budget)}}
    );
}

py::object move_table(const runtime::PolicyPlan& plan) {
    const auto& moves = plan.moves;
    const auto ids = [&](const auto& value) {
        return array_of<std::int32_t>(moves.size(), [&](std::size_t i) {
            return value(moves[i]).value;
        });
    };
    const auto numbers = [&](const auto& value) {
        return array_of<std::int64_t>(moves.size(), [&](std::size_t i) { return value(moves[i]); });
    };
    using Record = scheduler::MoveRecord;
    return table_of(
        {{"block", ids([](const Record& r) { return r.move.block; })},
         {"from", ids([](const Record& r) { return r.move.from; })},
         {"to", ids([](const Record& r) { return r.move.to; })},
         {"bytes", numbers([](const Record& r) { return r.move.bytes; })},
         {"loaded_bytes", numbers([](const Record& r) { return r.move.loaded; })},
         {"start", numbers([](const Record& r) { return r.start; })},
         {"end", numbers([](const Record& r) { return r.end; })}}
    );
}

PythonDecision decision_of(const runtime::PolicyPlan& plan, const scheduler::DeviceNames& names) {
    PythonDecision decision;
    decision.decision = plan.decision;
    decision.policy = plan.name;
    decision.explanation = scheduler::explanation_text(plan.decision.why, names);
    decision.objective_s =
        plan.decision.feasible ? plan.objective_s : std::numeric_limits<double>::infinity();
    if (plan.decision.feasible) {
        decision.devices = device_table(plan);
        decision.moves = move_table(plan);
    }
    if (plan.gap) {
        decision.gap = py::float_(*plan.gap);
    }
    return decision;
}

py::dict plan(
    const PythonScenario& in, const std::vector<Asked>& policies, const Start& start, bool bound
) {
    const config::Scenario& scenario = in.scenario;
    PlanRequest request;
    request.root_bound = bound;
    const runtime::WorkloadDescription workload = prepare(scenario, start, request);
    std::list<Decider> own; // a list, because deciders stay where they are
    for (const auto& [name, version, callable] : policies) {
        if (callable.is_none()) {
            request.policies.push_back(*scheduler::policy_named(name));
        } else {
            request.own.push_back(&own.emplace_back(callable, name, version).policy());
        }
    }
    struct All {
        const std::list<Decider>& deciders;
        [[nodiscard]] py::object raised() const {
            py::object last = py::none();
            for (const Decider& decider : deciders) {
                last = decider.raised().is_none() ? last : decider.raised();
            }
            return last;
        }
    };
    const runtime::Plan plan =
        without_lock([&] { return runtime::plan(scenario, workload, request); }, All{own});
    py::list decisions;
    for (const runtime::PolicyPlan& policy : plan.policies) {
        decisions.append(decision_of(policy, scheduler::device_names(scenario.fleet)));
    }
    return py::dict(
        py::arg("at") = plan.at,
        py::arg("context") = plan.context,
        py::arg("interval") = plan.interval,
        py::arg("in_flight") = plan.in_flight,
        py::arg("bound_s") = plan.bound_s,
        py::arg("proven") = plan.proven,
        py::arg("bound_note") = plan.bound_note,
        py::arg("decisions") = decisions
    );
}

std::shared_ptr<PythonProblem> problem(const PythonScenario& in, const Start& start) {
    PlanRequest request;
    const runtime::WorkloadDescription workload = prepare(in.scenario, start, request);
    const auto blocks = std::make_shared<const scheduler::Blocks>(
        workload.shape, in.scenario.controller.cut(PolicyKind::custom)
    );
    return owned_problem(runtime::planned_problem(in.scenario, workload, request, *blocks), blocks);
}

} // namespace

void define_runs(py::module_& module) {
    py::class_<Start>(module, "Start")
        .def(
            py::init([](py::object previous, std::int64_t at, std::int64_t clock) {
                return Start{std::move(previous), at, clock};
            }),
            py::arg("previous"),
            py::arg("at"),
            py::arg("clock_ns")
        );
    module.def(
        "simulate",
        &simulate,
        py::arg("scenario"),
        py::arg("policy"),
        py::arg("trace"),
        py::arg("overwrite"),
        py::arg("trace_ops")
    );
    module.def(
        "replay_under",
        &replay_under,
        py::arg("recorded"),
        py::arg("path"),
        py::arg("policy"),
        py::arg("trace"),
        py::arg("overwrite"),
        py::arg("trace_ops")
    );
    module.def("verify", &verify, py::arg("recorded"), py::arg("path"), py::arg("recorded_policy"));
    module.def(
        "plan", &plan, py::arg("scenario"), py::arg("policies"), py::arg("start"), py::arg("bound")
    );
    module.def("problem", &problem, py::arg("scenario"), py::arg("start"));
    module.def("policy_names", [] {
        const auto names = scheduler::policy_names();
        return std::vector<std::string>(names.begin(), names.end());
    });
    module.def("policies", [] {
        const auto names = scheduler::policies_for_any_problem();
        return std::vector<std::string>(names.begin(), names.end());
    });
}

} // namespace headroom::python
