// The type Decision of the module.
#pragma once

#include <memory>
#include <string>

#include <pybind11/pybind11.h>

#include "python/python_policy.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::python {

/// A decision as Python sees it. The module registers this type as `headroom.Decision`.
struct PythonDecision {
    scheduler::Decision decision;
    std::string policy;      ///< name of the policy; empty if a caller chose the placement
    std::string explanation; ///< one sentence, or empty
    double objective_s = 0;
    /// The problem of a placement whose feasibility is not known yet; else null.
    std::shared_ptr<const PythonProblem> unchecked{};
    py::object placement = py::none(); ///< array of the placement; None if there is none
    py::object devices = py::none();   ///< what each device holds (only decisions of a plan)
    py::object moves = py::none();     ///< moves from the previous placement (only of a plan)
    py::object gap = py::none();       ///< objective / bound − 1 (only of a plan)
};

void define_decision(py::module_& module);

} // namespace headroom::python
