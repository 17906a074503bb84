#include "python/scenario_type.hpp"

#include <fmt/format.h>
#include <pybind11/stl.h>

#include "python/arrays.hpp"
#include "scheduler/policies/registry.hpp"

namespace headroom::python {

namespace {

PythonScenario make_scenario(
    std::string text,
    const std::string& path,
    std::vector<std::string> changes,
    const std::string& models
) {
    PythonScenario made;
    made.text = std::move(text);
    made.overrides.set = std::move(changes);
    made.overrides.model_must_exist = true;
    made.overrides.models = models;
    made.scenario = config::parse_scenario(made.text, path, made.overrides);
    return made;
}

} // namespace

config::Scenario PythonScenario::under(const std::string& policy) const {
    config::Overrides changes = overrides;
    changes.policy = policy;
    return config::parse_scenario(text, scenario.path, changes);
}

config::Scenario PythonScenario::under_own_policy() const {
    config::Scenario changed = scenario;
    changed.controller.policy = scheduler::PolicyKind::custom;
    return changed;
}

void define_scenario(py::module_& module) {
    using Scenario = PythonScenario;
    py::class_<Scenario> type(module, "Scenario");
    type.def(
        py::init(&make_scenario),
        py::arg("text"),
        py::arg("path"),
        py::arg("changes"),
        py::arg("models")
    );
    type.def_property_readonly("resolved", [](const Scenario& s) {
        return config::resolved_text(s.scenario);
    });
    type.def_property_readonly("text", [](const Scenario& s) { return s.text; });
    type.def_property_readonly("path", [](const Scenario& s) { return s.scenario.path.string(); });
    type.def_property_readonly("changes", [](const Scenario& s) { return s.overrides.set; });
    type.def_property_readonly("models", [](const Scenario& s) {
        return s.overrides.models.string();
    });
    type.def_property_readonly("name", [](const Scenario& s) { return s.scenario.name; });
    type.def_property_readonly("model", [](const Scenario& s) { return s.scenario.model_name(); });
    type.def_property_readonly("policy", [](const Scenario& s) {
        return scheduler::name_of(s.scenario.controller.policy);
    });
    type.def_property_readonly("interval", [](const Scenario& s) {
        return s.scenario.controller.interval;
    });
    type.def_property_readonly("devices", [](const Scenario& s) {
        std::vector<std::string> names;
        for (const scheduler::DeviceSpec& device : s.scenario.fleet.devices) {
            names.push_back(device.name);
        }
        return names;
    });
    type.def_property_readonly("warnings", [](const Scenario& s) { return s.scenario.warnings; });
    type.def_property_readonly("notes", [](const Scenario& s) { return s.scenario.notes; });
}

} // namespace headroom::python
