#include "python/problem/decision_type.hpp"

#include <optional>

#include <fmt/format.h>

#include "python/arrays.hpp"
#include "scheduler/core/validate.hpp"

namespace headroom::python {

namespace {

using DecisionClass = py::class_<PythonDecision>;

bool is_feasible(PythonDecision& in) {
    if (in.unchecked) {
        in.decision.feasible =
            scheduler::validate(in.unchecked->problem, in.decision.placement).ok();
        in.unchecked.reset();
    }
    return in.decision.feasible;
}

py::object placement_in(PythonDecision& in) {
    if (in.placement.is_none() && !in.decision.placement.empty()) {
        in.placement = placement_array(in.decision.placement);
    }
    return in.placement;
}

py::object number_or_none(const std::optional<double>& number) {
    return number ? py::object(py::float_(*number)) : py::none();
}

void add_results(DecisionClass& type) {
    type.def_property_readonly(
        "placement",
        &placement_in,
        "int32 array [block]: the device of each block; None if there is none."
    );
    type.def_property_readonly(
        "feasible", &is_feasible, "Whether the placement fits, as headroom.validate() finds."
    );
    type.def_readonly("policy", &PythonDecision::policy, "Name of the policy; '' for evaluate().");
    type.def_readonly(
        "explanation", &PythonDecision::explanation, "Why, in one sentence; '' for evaluate()."
    );
    type.def_readonly(
        "objective_s",
        &PythonDecision::objective_s,
        "What policies minimise, in s: migration_ns + problem.steps * inference_ns (or with\n"
        "objective 'throughput' the time of a round); inf: never ends."
    );
    const auto value = [&](const char* name, auto scheduler::Decision::*member, const char* doc) {
        type.def_property_readonly(
            name, [=](const PythonDecision& d) { return d.decision.*member; }, doc
        );
    };
    using scheduler::Decision;
    value(
        "inference_ns",
        &Decision::inference,
        "D_inf: virtual time of a decode step in ns; headroom.NEVER: it does not end."
    );
    value("migration_ns", &Decision::migration, "D_mig: time to migrate in ns; 0: nothing moves.");
    value("round_ns", &Decision::round, "Time of one step of every sequence in flight, in ns.");
    value("prompts_ns", &Decision::prompts, "Time that pending prompts take in all, in ns.");
    value("batch", &Decision::batch, "Number of sequences computed together.");
    value(
        "paper_delay_s", &Decision::paper_delay_s, "A step's time by the published formula, in s."
    );
    value(
        "paper_migration_s", &Decision::paper_migration_s, "The published time to migrate, in s."
    );
    value("evaluations", &Decision::evaluations, "Candidates or nodes that the policy looked at.");
    value("proven", &Decision::proven, "Whether no placement is better (policy 'exact').");
    type.def_property_readonly(
        "bound_s",
        [](const PythonDecision& d) { return number_or_none(d.decision.bound); },
        "Lower bound of every placement's objective in s, or None (policy 'exact')."
    );
}

} // namespace

void define_decision(py::module_& module) {
    DecisionClass type(module, "Decision", "A placement with its predicted times.");
    add_results(type);
    type.def_readonly(
        "devices",
        &PythonDecision::devices,
        "Structured array [device] of plan(): blocks, resident_bytes, buffer_bytes, budget_bytes;\n"
        "else None."
    );
    type.def_readonly(
        "moves",
        &PythonDecision::moves,
        "Structured array [move] of plan(): block, from, to, bytes, loaded_bytes, start and end\n"
        "in ns since the decision; else None."
    );
    type.def_readonly(
        "gap", &PythonDecision::gap, "objective_s / bound - 1 in plan(), or None: no bound."
    );
    type.def("__repr__", [](PythonDecision& d) {
        return fmt::format(
            "<headroom.Decision{}{}: {}>",
            d.policy.empty() ? "" : " of ",
            d.policy,
            d.decision.placement.empty() ? d.explanation
                                         : fmt::format(
                                               "{} per step, {} to migrate{}",
                                               format_duration(d.decision.inference),
                                               format_duration(d.decision.migration),
                                               is_feasible(d) ? "" : ", does not fit"
                                           )
        );
    });
}

} // namespace headroom::python
