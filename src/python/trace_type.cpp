#include "python/trace_type.hpp"

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <pybind11/stl.h>

#include "base/error.hpp"
#include "python/arrays.hpp"
#include "trace/analysis/run_figures.hpp"
#include "trace/analysis/summary.hpp"
#include "trace/hdf5/reader.hpp"
#include "trace/records/columns.hpp"

namespace headroom::python {

namespace {

using trace::Interval;
using trace::RunHeader;
using trace::Table;

/// A text of a run can be anything, so its bytes that are no UTF-8 are replaced.
py::object text_object(const std::string& text) {
    return py::reinterpret_steal<py::object>(
        PyUnicode_DecodeUTF8(text.data(), static_cast<py::ssize_t>(text.size()), "replace")
    );
}

/// Returns the column of all rows. Texts are Python objects, because their lengths differ much.
template <class Row, class T>
py::array column_array(const std::vector<const Row*>& rows, T Row::*member) {
    if constexpr (std::is_same_v<T, std::string>) {
        py::list texts;
        for (const Row* const row : rows) {
            texts.append(text_object(row->*member));
        }
        return py::module_::import("numpy").attr("array")(texts, "O").cast<py::array>();
    } else {
        return array_of<T>(rows.size(), [&](std::size_t i) { return rows[i]->*member; });
    }
}

template <class Row>
py::array table_array(const std::vector<const Row*>& rows) {
    std::vector<std::pair<std::string, py::array>> columns;
    trace::for_each_column<Row>([&](const auto& column) {
        columns.emplace_back(column.name, column_array(rows, column.member));
    });
    return table_of(columns);
}

template <class Row>
py::array header_table(const RunHeader& header, std::vector<Row> RunHeader::*member) {
    std::vector<const Row*> rows;
    for (const Row& row : header.*member) {
        rows.push_back(&row);
    }
    return table_array(rows);
}

template <class Row>
py::array growing_table(const trace::Trace& trace, std::vector<Row> Interval::*member) {
    std::vector<const Row*> rows;
    for (const Interval& interval : trace.intervals) {
        for (const Row& row : interval.*member) {
            rows.push_back(&row);
        }
    }
    return table_array(rows);
}

py::array interval_table(const trace::Trace& trace) {
    std::vector<const trace::IntervalRow*> rows;
    for (const Interval& interval : trace.intervals) {
        rows.push_back(&interval.row);
    }
    return table_array(rows);
}

py::array placement_matrix(const trace::Trace& trace) {
    const std::size_t blocks = trace.header.blocks.size();
    const py::array flat =
        array_of<std::int32_t>(trace.intervals.size() * blocks, [&](std::size_t i) {
            return trace.intervals[i / blocks].placement.at(i % blocks);
        });
    return flat.attr("reshape")(trace.intervals.size(), blocks).cast<py::array>();
}

/// Calls visit(name, make) for each table; `make` makes the array of a trace.
template <class Visit>
void for_each_array(const Visit& visit) {
    trace::for_each_table(trace::kHeaderTables, [&]<class Row>(std::vector<Row> RunHeader::*m) {
        visit(Table<Row>::name, Table<Row>::description, [m](const trace::Trace& trace) {
            return header_table(trace.header, m);
        });
    });
    visit(
        Table<trace::IntervalRow>::name,
        "one row per decision and the tokens up to the next",
        &interval_table
    );
    visit(
        "placements", "int32 array [interval, block]: the device of each block", &placement_matrix
    );
    trace::for_each_table(trace::kIntervalTables, [&]<class Row>(std::vector<Row> Interval::*m) {
        visit(Table<Row>::name, Table<Row>::description, [m](const trace::Trace& trace) {
            return growing_table(trace, m);
        });
    });
}

py::object figure_object(const trace::Figure& figure) {
    return std::visit(
        []<class T>(const T& value) -> py::object {
            if constexpr (std::is_same_v<T, std::monostate>) {
                return py::none();
            } else {
                return py::cast(value);
            }
        },
        figure
    );
}

/// Returns the figures that `headroom simulate --json` prints.
py::dict summary_of(const PythonTrace& in) {
    const trace::Summary summary = trace::summary_of(in.trace);
    py::dict figures;
    for (const trace::RunFigure& figure : trace::kRunFigures) {
        if (figure.use != trace::RunFigure::Use::table) {
            figures[py::str(std::string(figure.name))] = figure_object(figure.of(summary));
        }
    }
    return figures;
}

std::shared_ptr<PythonTrace> read_trace(const std::string& path) {
    auto read = std::make_shared<PythonTrace>();
    read->trace = trace::open_trace(path).trace;
    return read;
}

py::dict units() {
    py::dict all;
    const auto add = [&]<class Row>(const Row*) {
        py::dict units;
        trace::for_each_column<Row>([&](const auto& column) { units[column.name] = column.unit; });
        all[Table<Row>::name] = units;
    };
    trace::for_each_table(trace::kHeaderTables, [&]<class Row>(std::vector<Row> RunHeader::*) {
        add(static_cast<const Row*>(nullptr));
    });
    add(static_cast<const trace::IntervalRow*>(nullptr));
    trace::for_each_table(trace::kIntervalTables, [&]<class Row>(std::vector<Row> Interval::*) {
        add(static_cast<const Row*>(nullptr));
    });
    return all;
}

py::dict attributes_of(const PythonTrace& in) {
    py::dict attributes;
    for (const auto& [name, value] : in.trace.header.attributes) {
        attributes[py::str(name)] = text_object(value);
    }
    for (const auto& [name, value] : in.trace.header.numbers) {
        attributes[py::str(name)] = value;
    }
    return attributes;
}

} // namespace

void define_trace(py::module_& module) {
    py::class_<PythonTrace, std::shared_ptr<PythonTrace>> type(
        module,
        "Trace",
        "What a run recorded. Each table is a read-only structured array whose columns\n"
        "docs/reference/trace.md describes; times are virtual nanoseconds."
    );
    py::list names;
    for_each_array([&](const char* name, const char* description, const auto& make) {
        names.append(name);
        type.def_property_readonly(
            name,
            [=](PythonTrace& in) -> py::object {
                if (!in.arrays.contains(name)) {
                    in.arrays[name] = make(in.trace);
                }
                return in.arrays[name];
            },
            description
        );
    });
    type.attr("tables") = py::tuple(names);
    type.def_property_readonly(
        "attributes", &attributes_of, "dict: policy, policy_version, seed, host, ..."
    );
    type.def_property_readonly(
        "scenario",
        [](const PythonTrace& in) { return in.trace.header.scenario; },
        "The resolved scenario as TOML."
    );
    type.def_property_readonly(
        "codes",
        [](const PythonTrace& in) { return in.trace.header.codes; },
        "dict from 'table.column' to the names of its codes, such as codes['intervals.reason']."
    );
    type.def_property_readonly(
        "completion",
        [](const PythonTrace& in) {
            return trace::completion_names().at(static_cast<std::size_t>(in.trace.completion));
        },
        "'finished', 'interrupted', 'failed', or 'running' (also after a kill)."
    );
    type.def_property_readonly(
        "units",
        [](const PythonTrace& /*in*/) { return units(); },
        "dict from each table to the units of its columns, such as units['tokens']['end']."
    );
    type.def("_summary", &summary_of);
    type.def("__repr__", [](const PythonTrace& in) {
        return fmt::format(
            "<headroom.Trace: {} decisions, {} blocks on {} devices>",
            in.trace.intervals.size(),
            in.trace.header.blocks.size(),
            in.trace.header.devices.size()
        );
    });
    module.def("read_trace", &read_trace, py::arg("path"));
}

} // namespace headroom::python
