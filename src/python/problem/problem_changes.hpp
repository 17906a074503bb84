// Makes a problem from another one, with other rates or another previous placement.
#pragma once

#include <memory>

#include <pybind11/pybind11.h>

#include "python/python_policy.hpp"

namespace headroom::python {

/// Returns the problem with these members changed, by their names in Python. Throws InputError for
/// other names and for wrong values.
[[nodiscard]] std::shared_ptr<PythonProblem> with_changes(
    const PythonProblem& in, const py::kwargs& changes
);

} // namespace headroom::python
