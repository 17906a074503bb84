// Lets Ctrl-C end a long call of the module. The call runs without the interpreter's lock and asks
// InterruptWatch::check() now and then.
#pragma once

#include <chrono>
#include <optional>

#include <pybind11/pybind11.h>

namespace headroom::python {

namespace py = pybind11;

/// Watches for signals during one call on this thread. Watches can be nested, because a policy in
/// Python can call the module again. Python handles signals on its main thread only.
class InterruptWatch {
  public:
    InterruptWatch();
    ~InterruptWatch();
    InterruptWatch(const InterruptWatch&) = delete;
    InterruptWatch& operator=(const InterruptWatch&) = delete;

    /// A StopCheck: returns 130 once a handler of Python has raised an exception, such as
    /// KeyboardInterrupt, else 0. Lets Python handle signals at most every 50 ms.
    static int check();
    /// Throws the exception that the handler raised, if there is one. The caller holds the
    /// interpreter's lock.
    void rethrow();

  private:
    InterruptWatch* outer_;
    std::chrono::steady_clock::time_point next_{};
    std::optional<py::error_already_set> raised_;
};

} // namespace headroom::python
