// Makes arrays of NumPy from values of the scheduler and of traces.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "scheduler/core/blocks.hpp"

namespace headroom::python {

namespace py = pybind11;

/// Returns a read-only array with value(i) for each i below `size`.
template <class T, class Value>
py::array array_of(std::size_t size, const Value& value) {
    py::array_t<T> array(static_cast<py::ssize_t>(size));
    T* const data = array.mutable_data();
    for (std::size_t i = 0; i < size; ++i) {
        data[i] = static_cast<T>(value(i));
    }
    array.attr("flags").attr("writeable") = false;
    return array;
}

/// Returns a read-only array of texts of fixed length (dtype U), for short texts such as names.
template <class Value>
py::array names_array(std::size_t size, const Value& value) {
    py::list texts;
    for (std::size_t i = 0; i < size; ++i) {
        texts.append(py::str(std::string(value(i))));
    }
    const py::object dtype = py::str(size == 0 ? "U1" : "U");
    return py::module_::import("numpy").attr("array")(texts, dtype).cast<py::array>();
}

/// Returns the devices of a placement as a read-only array of int32, [block].
[[nodiscard]] py::array placement_array(const scheduler::Placement& placement);

/// Returns a read-only structured array with these columns, which have equal lengths.
[[nodiscard]] py::array table_of(const std::vector<std::pair<std::string, py::array>>& columns);

} // namespace headroom::python
