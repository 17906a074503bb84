// The extension module headroom._headroom. The package `headroom` wraps its functions.
#include <pybind11/pybind11.h>

#include "base/units.hpp"
#include "python/errors.hpp"
#include "python/problem/decision_type.hpp"
#include "python/problem/evaluation.hpp"
#include "python/problem/problem_type.hpp"
#include "python/runs.hpp"
#include "python/scenario_type.hpp"
#include "python/trace_type.hpp"
#include "python/version.hpp"

PYBIND11_MODULE(_headroom, module) {
    using namespace headroom::python;
    pybind11::options options;
    options.disable_function_signatures();
    module.doc() = "The part of the package headroom that is written in C++.";
    module.attr("VERSION") = HEADROOM_VERSION;
    module.attr("NEVER") = headroom::kNever;
    module.attr("UNLIMITED") = headroom::kUnlimited;
    translate_errors();
    define_scenario(module);
    define_problem(module);
    define_decision(module);
    define_evaluation(module);
    define_trace(module);
    define_runs(module);
}
