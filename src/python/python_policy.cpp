#include "python/python_policy.hpp"

#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <pybind11/numpy.h>

#include "base/error.hpp"

namespace headroom::python {

namespace {

/// Returns "an array of float64 with shape (3,)", or the type of another object.
std::string describe(py::handle object) {
    if (py::isinstance<py::array>(object)) {
        return fmt::format(
            "an array of {} with shape {}",
            py::str(object.attr("dtype")).cast<std::string>(),
            py::str(object.attr("shape")).cast<std::string>()
        );
    }
    return fmt::format("a value of type {}", Py_TYPE(object.ptr())->tp_name);
}

[[noreturn]] void refuse(py::handle object, const char* verb) {
    throw std::invalid_argument(fmt::format(
        "{} {}, expected an array of integers with shape (blocks,): the device of each block",
        verb,
        describe(object)
    ));
}

/// Returns the object as an array, or throws as placement_of() does.
py::array array_of(py::handle object, const char* verb) {
    if (py::isinstance<py::array>(object)) {
        return py::reinterpret_borrow<py::array>(object);
    }
    if (py::isinstance<py::str>(object) || !py::isinstance<py::sequence>(object)) {
        refuse(object, verb);
    }
    try {
        return py::module_::import("numpy").attr("asarray")(object).cast<py::array>();
    } catch (const py::error_already_set&) { // the lengths of nested lists differ
        refuse(object, verb);
    }
}

DeviceId device_of(std::int64_t value, py::ssize_t block) {
    if (value < std::numeric_limits<std::int32_t>::min() ||
        value > std::numeric_limits<std::int32_t>::max()) {
        throw std::invalid_argument(
            fmt::format("block {} is on device {}, which does not exist", block, value)
        );
    }
    return DeviceId(static_cast<std::int32_t>(value));
}

/// The callable, and the blocks of the last problem, which the next problem usually has too.
struct Callable {
    py::object function;
    std::shared_ptr<const scheduler::Blocks> blocks{};

    std::shared_ptr<const scheduler::Blocks> shared(const scheduler::Blocks& wanted) {
        const bool same =
            blocks && blocks->cut() == wanted.cut() && blocks->shape() == wanted.shape();
        if (!same) {
            blocks = std::make_shared<const scheduler::Blocks>(wanted);
        }
        return blocks;
    }
};

/// Returns the traceback without the frames of Python's import of the file, which are at its begin.
py::object without_importlib(py::object trace) {
    while (trace && !trace.is_none()) {
        const std::string file =
            trace.attr("tb_frame").attr("f_code").attr("co_filename").cast<std::string>();
        if (!file.starts_with("<frozen importlib")) {
            return trace;
        }
        trace = trace.attr("tb_next");
    }
    return py::none();
}

} // namespace

std::string traceback_of(const py::error_already_set& error) {
    try {
        const py::object trace = without_importlib(error.trace());
        const py::object lines = py::module_::import("traceback")
                                     .attr("format_exception")(error.type(), error.value(), trace);
        std::string text = py::str("").attr("join")(lines).cast<std::string>();
        if (error.trace() && trace.is_none()) { // of a syntax error only the import's frames exist
            text.insert(0, "Traceback (most recent call last):\n");
        }
        while (text.ends_with('\n')) {
            text.pop_back();
        }
        return text;
    } catch (const py::error_already_set&) {
        return error.what(); // for example, __str__ of the exception raises
    }
}

std::shared_ptr<PythonProblem> owned_problem(
    const scheduler::Problem& problem, std::shared_ptr<const scheduler::Blocks> blocks
) {
    auto owned = std::make_shared<PythonProblem>(PythonProblem{std::move(blocks), problem});
    owned->problem.blocks = owned->blocks.get();
    if (problem.given != nullptr) {
        owned->given = *problem.given;
        owned->problem.given = &*owned->given;
    }
    owned->problem.stop = nullptr;
    return owned;
}

scheduler::Placement placement_of(py::handle object, const char* verb) {
    if (object.is_none()) {
        return {};
    }
    const py::array array = array_of(object, verb);
    const char kind = array.dtype().kind();
    if ((kind != 'i' && kind != 'u') || array.ndim() != 1 || array.size() == 0) {
        refuse(array, verb);
    }
    scheduler::Placement placement;
    placement.reserve(static_cast<std::size_t>(array.size()));
    if (py::isinstance<py::array_t<std::int32_t>>(array)) {
        const auto devices =
            py::reinterpret_borrow<py::array_t<std::int32_t>>(array).unchecked<1>();
        for (py::ssize_t i = 0; i < devices.shape(0); ++i) {
            placement.emplace_back(devices(i));
        }
        return placement;
    }
    const py::array_t<std::int64_t, py::array::forcecast> wide(array);
    const auto devices = wide.unchecked<1>();
    for (py::ssize_t i = 0; i < devices.shape(0); ++i) {
        placement.push_back(device_of(devices(i), i));
    }
    return placement;
}

scheduler::CustomPolicy::Place place_function(py::object callable, py::object* raised) {
    const std::shared_ptr<Callable> shared(new Callable{std::move(callable)}, [](Callable* last) {
        const py::gil_scoped_acquire lock;
        delete last;
    });
    return [shared, raised](const scheduler::Problem& problem) {
        const py::gil_scoped_acquire lock;
        try {
            const auto owned = owned_problem(problem, shared->shared(*problem.blocks));
            return placement_of(shared->function(owned));
        } catch (py::error_already_set& error) {
            if (error.matches(PyExc_KeyboardInterrupt)) {
                throw InterruptedError(ExitCode::interrupted);
            }
            if (raised != nullptr) {
                *raised = error.value();
            }
            throw std::runtime_error(traceback_of(error));
        }
    };
}

} // namespace headroom::python
