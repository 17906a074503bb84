// The functions of the module that plan, simulate and replay.
#pragma once

#include <pybind11/pybind11.h>

namespace headroom::python {

void define_runs(pybind11::module_& module);

} // namespace headroom::python
