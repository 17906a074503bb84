// The scenario of the module: a text with changes, read and checked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <pybind11/pybind11.h>

#include "config/scenario/scenario.hpp"

namespace headroom::python {

namespace py = pybind11;

struct PythonScenario {
    std::string text;            ///< the scenario as it was given
    config::Overrides overrides; ///< changes of it
    config::Scenario scenario;   ///< what both result in

    /// Returns the same scenario with another policy of the program.
    [[nodiscard]] config::Scenario under(const std::string& policy) const;
    /// Returns the same scenario, to be decided by a policy that is not part of the program.
    [[nodiscard]] config::Scenario under_own_policy() const;
};

void define_scenario(py::module_& module);

} // namespace headroom::python
