#include "python/arrays.hpp"

namespace headroom::python {

py::array placement_array(const scheduler::Placement& placement) {
    return array_of<std::int32_t>(placement.size(), [&](std::size_t i) {
        return placement[i].value;
    });
}

py::array table_of(const std::vector<std::pair<std::string, py::array>>& columns) {
    py::list types;
    for (const auto& [name, column] : columns) {
        types.append(py::make_tuple(name, column.dtype()));
    }
    const py::module_ numpy = py::module_::import("numpy");
    const py::ssize_t rows = columns.empty() ? 0 : columns.front().second.size();
    py::object table = numpy.attr("empty")(rows, numpy.attr("dtype")(types));
    for (const auto& [name, column] : columns) {
        table[py::str(name)] = column;
    }
    table.attr("flags").attr("writeable") = false;
    return table.cast<py::array>();
}

} // namespace headroom::python
