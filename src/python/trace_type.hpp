// The type Trace of the module: the tables of a trace as arrays.
#pragma once

#include <memory>

#include <pybind11/pybind11.h>

#include "trace/records/trace.hpp"

namespace headroom::python {

namespace py = pybind11;

/// A trace, and the arrays that Python has asked for, by name.
struct PythonTrace {
    trace::Trace trace;
    py::dict arrays{};
};

void define_trace(py::module_& module);

} // namespace headroom::python
