#include "python/problem/evaluation.hpp"

#include <chrono>
#include <limits>
#include <stdexcept>

#include <fmt/format.h>
#include <pybind11/stl.h>

#include "base/error.hpp"
#include "python/decider.hpp"
#include "python/problem/decision_type.hpp"
#include "scheduler/core/validate.hpp"
#include "scheduler/explain/explanation_text.hpp"
#include "scheduler/timing/evaluate.hpp"

namespace headroom::python {

scheduler::Placement checked_placement(
    const scheduler::Blocks& blocks, std::size_t devices, py::handle object
) {
    scheduler::Placement placement;
    try {
        placement = placement_of(object, "the placement is");
    } catch (const std::invalid_argument& error) {
        throw InputError(error.what());
    }
    if (placement.size() != blocks.size()) {
        throw InputError(fmt::format(
            "the placement has {} devices, expected one for each of the {} blocks",
            placement.size(),
            blocks.size()
        ));
    }
    for (std::size_t i = 0; i < placement.size(); ++i) {
        if (!placement[i].valid() || placement[i].index() >= devices) {
            throw InputError(fmt::format(
                "the placement has {} on device {}, expected a device from 0 to {}",
                to_string(blocks.name(BlockId(i))),
                placement[i].value,
                devices - 1
            ));
        }
    }
    return placement;
}

namespace {

PythonDecision evaluate(
    const std::shared_ptr<PythonProblem>& problem, py::handle placement, std::int64_t batch
) {
    PythonDecision result;
    result.decision = scheduler::evaluate(
        problem->problem,
        checked_placement(*problem->blocks, problem->problem.snapshot.size(), placement),
        batch
    );
    result.objective_s = scheduler::objective(problem->problem, result.decision);
    result.unchecked = problem;
    return result;
}

std::vector<std::string> validate(const PythonProblem& problem, py::handle placement) {
    try {
        scheduler::Placement devices = placement_of(placement, "the placement is");
        return scheduler::validate(problem.problem, devices).problems;
    } catch (const std::invalid_argument& error) {
        return {error.what()};
    }
}

/// Returns the mean time of `count` evaluations, without Python, in ns.
double time_evaluate(const PythonProblem& problem, py::handle placement, std::int64_t count) {
    const scheduler::Placement devices =
        checked_placement(*problem.blocks, problem.problem.snapshot.size(), placement);
    const auto begin = std::chrono::steady_clock::now();
    for (std::int64_t i = 0; i < count; ++i) {
        const scheduler::Decision decision = scheduler::evaluate(problem.problem, devices);
        if (scheduler::objective(problem.problem, decision) < 0) {
            throw InputError("a negative objective");
        }
    }
    const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - begin;
    return taken.count() / static_cast<double>(count);
}

/// Asks a policy of the program, which `name` names, or a callable of Python.
PythonDecision decide(
    const PythonProblem& in,
    const py::object& callable,
    const std::string& name,
    const std::string& version
) {
    const Decider decider(callable, name, version);
    scheduler::Problem problem = in.problem;
    problem.stop = InterruptWatch::check;
    PythonDecision result;
    result.decision =
        without_lock([&] { return scheduler::decide(decider.policy(), problem); }, decider);
    result.policy = name;
    result.explanation = scheduler::explanation_text(result.decision.why);
    result.objective_s = result.decision.feasible ? scheduler::objective(problem, result.decision)
                                                  : std::numeric_limits<double>::infinity();
    return result;
}

} // namespace

void define_evaluation(py::module_& module) {
    module.def("evaluate", &evaluate, py::arg("problem"), py::arg("placement"), py::arg("batch"));
    module.def("validate", &validate, py::arg("problem"), py::arg("placement"));
    module.def(
        "decide",
        &decide,
        py::arg("problem"),
        py::arg("callable"),
        py::arg("name"),
        py::arg("version")
    );
    module.def(
        "time_evaluate", &time_evaluate, py::arg("problem"), py::arg("placement"), py::arg("count")
    );
}

} // namespace headroom::python
