// The functions of the module that judge placements: evaluate, validate and decide.
#pragma once

#include <cstddef>

#include <pybind11/pybind11.h>

#include "python/python_policy.hpp"

namespace headroom::python {

/// Returns the placement in the object, with one existing device for each block. Throws InputError
/// if it is something else.
[[nodiscard]] scheduler::Placement checked_placement(
    const scheduler::Blocks& blocks, std::size_t devices, py::handle object
);

void define_evaluation(py::module_& module);

} // namespace headroom::python
