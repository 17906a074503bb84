#include "python/interrupts.hpp"

#include <utility>

#include "base/error.hpp"

namespace headroom::python {

namespace {

constexpr std::chrono::milliseconds kPeriod{50};

// A StopCheck has no argument by which it could be told its watch.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
thread_local InterruptWatch* innermost = nullptr;

} // namespace

InterruptWatch::InterruptWatch() : outer_(innermost) {
    innermost = this;
}

InterruptWatch::~InterruptWatch() {
    innermost = outer_;
}

int InterruptWatch::check() {
    InterruptWatch* const watch = innermost;
    if (watch == nullptr) {
        return 0;
    }
    if (!watch->raised_) {
        const auto now = std::chrono::steady_clock::now();
        if (now < watch->next_) {
            return 0;
        }
        watch->next_ = now + kPeriod;
        const py::gil_scoped_acquire lock;
        if (PyErr_CheckSignals() == 0) {
            return 0;
        }
        watch->raised_.emplace();
    }
    return static_cast<int>(ExitCode::interrupted);
}

void InterruptWatch::rethrow() {
    if (raised_) {
        const std::optional<py::error_already_set> raised = std::exchange(raised_, std::nullopt);
        throw py::error_already_set(*raised);
    }
}

} // namespace headroom::python
