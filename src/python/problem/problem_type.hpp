// The type Problem of the module.
#pragma once

#include <pybind11/pybind11.h>

namespace headroom::python {

void define_problem(pybind11::module_& module);

} // namespace headroom::python
