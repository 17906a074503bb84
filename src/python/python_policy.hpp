// Turns a callable of Python into a function that places blocks, and what Python returns into a
// placement. The module `headroom` uses this, and a program that embeds Python can: it imports
// `headroom` first, because the module tells Python the type of a problem.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include <pybind11/pybind11.h>

#include "scheduler/core/problem.hpp"
#include "scheduler/policies/custom.hpp"

namespace headroom::python {

namespace py = pybind11;

/// A problem that owns its blocks, so that Python can keep it for as long as it likes. The module
/// registers this type as `headroom.Problem`.
struct PythonProblem {
    std::shared_ptr<const scheduler::Blocks> blocks;
    /// problem.blocks is blocks.get(), problem.given points to `given`, problem.stop is null.
    scheduler::Problem problem;
    std::optional<scheduler::GivenPlacement> given{}; ///< what policy `given` returns
    py::dict arrays{}; ///< the arrays that Python has asked for, by the attribute's name
};

/// Returns a copy of the problem that shares `blocks`, which must equal the problem's own. The
/// caller holds the interpreter's lock.
[[nodiscard]] std::shared_ptr<PythonProblem> owned_problem(
    const scheduler::Problem& problem, std::shared_ptr<const scheduler::Blocks> blocks
);

/// Returns the devices in an array, a list or another sequence of integers. Returns an empty
/// placement for None. Throws std::invalid_argument, with a clause such as "returned …" whose verb
/// is `verb`, if the object is something else, is empty, or has another shape than [block]. Does
/// not check the number of blocks and whether devices exist. The caller holds the interpreter's
/// lock.
[[nodiscard]] scheduler::Placement placement_of(py::handle object, const char* verb = "returned");

/// Returns the traceback of the exception as Python prints it, without a line break at the end. The
/// caller holds the interpreter's lock.
[[nodiscard]] std::string traceback_of(const py::error_already_set& error);

/// Returns a function that calls `callable` with a `headroom.Problem`. The function takes the
/// interpreter's lock for the call, and may be destroyed without it. If the callable raises, the
/// function throws std::runtime_error with the traceback of Python; after a KeyboardInterrupt it
/// throws InterruptedError. If `raised` is not null, it gets the exception itself, and must outlive
/// the function. The caller holds the interpreter's lock.
[[nodiscard]] scheduler::CustomPolicy::Place place_function(
    py::object callable, py::object* raised = nullptr
);

} // namespace headroom::python
