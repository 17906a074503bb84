#include "python/errors.hpp"

#include <string>
#include <variant>

#include "base/check.hpp"

namespace headroom::python {

namespace {

py::dict fields_of(const Error& error) {
    py::dict fields;
    for (const ErrorField& field : error.fields()) {
        fields[py::str(std::string(field.name))] =
            std::visit([](const auto& value) { return py::cast(value); }, field.value);
    }
    return fields;
}

py::list problems_of(const Error& error) {
    py::list problems;
    if (const auto* const input = dynamic_cast<const InputError*>(&error)) {
        for (const std::string& problem : input->problems()) {
            problems.append(problem);
        }
    }
    return problems;
}

void set_error(const Error& error, py::handle cause) {
    const py::object made = py::module_::import("headroom.errors")
                                .attr("made"
                                )(static_cast<int>(error.code()),
                                  std::string(error.what()),
                                  fields_of(error),
                                  problems_of(error));
    if (!cause.is_none()) {
        made.attr("__cause__") = cause;
    }
    PyErr_SetObject(py::type::handle_of(made).ptr(), made.ptr());
}

} // namespace

void raise(const Error& error, py::handle cause) {
    set_error(error, cause);
    throw py::error_already_set();
}

void translate_errors() {
    py::register_local_exception_translator([](std::exception_ptr thrown) {
        try {
            std::rethrow_exception(thrown);
        } catch (const Error& error) {
            set_error(error, py::none());
        } catch (const Bug& bug) {
            const py::object type = py::module_::import("headroom.errors").attr("Bug");
            PyErr_SetString(type.ptr(), bug.what());
        }
    });
}

} // namespace headroom::python
