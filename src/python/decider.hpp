// A policy as Python names it: one of the program, or a callable.
#pragma once

#include <memory>
#include <string>

#include <pybind11/pybind11.h>

#include "base/error.hpp"
#include "python/errors.hpp"
#include "python/interrupts.hpp"
#include "python/python_policy.hpp"
#include "scheduler/policies/custom.hpp"
#include "scheduler/policies/registry.hpp"

namespace headroom::python {

/// Made and destroyed with the interpreter's lock. Stays where it is, because the policy writes to
/// `raised`.
class Decider {
  public:
    /// callable: None for the policy `name` of the program. version: that of the callable.
    Decider(const py::object& callable, const std::string& name, const std::string& version) {
        if (callable.is_none()) {
            policy_ = scheduler::make_policy(*scheduler::policy_named(name));
        } else {
            policy_ = std::make_unique<scheduler::CustomPolicy>(
                name, version, place_function(callable, &raised_)
            );
        }
    }
    Decider(const Decider&) = delete;
    Decider& operator=(const Decider&) = delete;

    [[nodiscard]] const scheduler::Policy& policy() const { return *policy_; }
    /// Returns the last exception that the callable has raised, or None.
    [[nodiscard]] const py::object& raised() const { return raised_; }

  private:
    py::object raised_ = py::none();
    std::unique_ptr<scheduler::Policy> policy_;
};

/// Calls `work` without the interpreter's lock, and returns its result. Its errors become
/// exceptions of Python; after Ctrl-C, KeyboardInterrupt. causes: for each decider in use, the
/// exception that the callable raised is the cause of the error.
template <class Work, class... Deciders>
auto without_lock(const Work& work, const Deciders&... deciders) {
    InterruptWatch watch;
    try {
        auto result = [&] {
            const py::gil_scoped_release unlocked;
            return work();
        }();
        watch.rethrow(); // a run that was interrupted ends like others
        return result;
    } catch (const InterruptedError&) {
        watch.rethrow();
        throw;
    } catch (const Error& error) {
        py::object cause = py::none();
        ((cause = deciders.raised().is_none() ? cause : deciders.raised()), ...);
        raise(error, cause);
    }
}

} // namespace headroom::python
