// The errors that a user can cause or encounter, each with the exit code of the program. Bugs are
// reported by check.hpp. Expected outcomes, such as an infeasible problem or a full budget, are
// return values; only the code that ends the run turns them into errors.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace headroom {

enum class ExitCode : int {
    ok = 0,
    bad_input = 2,
    environment = 3,
    bug = 4,
    stuck = 5,
    infeasible = 6,
    interrupted = 130, ///< SIGINT
    terminated = 143,  ///< SIGTERM
};

/// The base class of all errors that end a run with a message for the user.
class Error : public std::runtime_error {
  public:
    Error(ExitCode code, const std::string& what) : std::runtime_error(what), code_(code) {}
    [[nodiscard]] ExitCode code() const { return code_; }

  private:
    ExitCode code_;
};

/// A file or the command line is invalid. The error holds all problems that were found, each as one
/// line.
class InputError : public Error {
  public:
    explicit InputError(const std::string& problem)
        : Error(ExitCode::bad_input, problem), problems_{problem} {}
    explicit InputError(std::vector<std::string> problems)
        : Error(ExitCode::bad_input, joined(problems)), problems_(std::move(problems)) {}
    [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }

  private:
    static std::string joined(const std::vector<std::string>& problems);
    std::vector<std::string> problems_;
};

/// The computer lacks something that the program needs, or a library failed: the disk is full,
/// mpirun is missing, MPI or HDF5 reports an error.
class EnvironmentError : public Error {
  public:
    explicit EnvironmentError(const std::string& what) : Error(ExitCode::environment, what) {}
};

/// A wait exceeded its limit, or an operation never ends because its rate stays 0.
class StuckError : public Error {
  public:
    explicit StuckError(const std::string& what) : Error(ExitCode::stuck, what) {}
};

/// No placement is feasible, or a device holds more than its budget and the scenario forbids
/// paging.
class InfeasibleError : public Error {
  public:
    explicit InfeasibleError(const std::string& what) : Error(ExitCode::infeasible, what) {}
};

/// SIGINT or SIGTERM arrived. While the exception propagates, the trace is closed.
class InterruptedError : public Error {
  public:
    explicit InterruptedError(ExitCode code) : Error(code, "interrupted") {}
};

} // namespace headroom
