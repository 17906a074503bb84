// The arrays of a problem, as Python sees them.
#pragma once

#include <cstdint>

#include <pybind11/pybind11.h>

#include "python/python_policy.hpp"
#include "scheduler/core/problem.hpp"

namespace headroom::python {

/// Returns a structured array [block]; docs/reference/python.md describes its fields.
[[nodiscard]] py::object table_of_blocks(const PythonProblem& in);
/// Returns a structured array [sequence], empty if there is only one sequence.
[[nodiscard]] py::object sequence_table(const scheduler::Problem& problem);
/// Returns a read-only matrix [from][to] of a member of the links; `diagonal` on its diagonal.
[[nodiscard]] py::object link_matrix(
    const scheduler::Snapshot& snapshot,
    std::int64_t scheduler::Snapshot::Link::*member,
    std::int64_t diagonal
);
/// Returns a read-only array [device] of a member of the devices.
[[nodiscard]] py::object device_column(
    const scheduler::Snapshot& snapshot, std::int64_t scheduler::Snapshot::Device::*member
);

/// Returns a structured array with a row for each device and weight type with rates of its own.
[[nodiscard]] py::object rates_table(const scheduler::Snapshot& snapshot);

} // namespace headroom::python
