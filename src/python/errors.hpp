// Errors as exceptions of Python. The classes are in headroom/errors.py.
#pragma once

#include <pybind11/pybind11.h>

#include "base/error.hpp"

namespace headroom::python {

namespace py = pybind11;

/// Throws the error as the exception of Python for its exit code, with the same message. `cause`:
/// the exception that led to it, or None.
[[noreturn]] void raise(const Error& error, py::handle cause);

/// Lets every Error that leaves the module become such an exception, and every Bug a headroom.Bug.
void translate_errors();

} // namespace headroom::python
