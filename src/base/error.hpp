// Errors that a user can cause or meet, each with the exit code it ends the program with.
// Bugs are in check.hpp. What the model expects (no feasible placement, a full budget) is a value
// until the point where it ends a run.
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
    interrupted = 130, ///< SIGINT; 143 for SIGTERM
    terminated = 143,
};

/// Root of everything that ends a run with a sentence for the user.
class Error : public std::runtime_error {
  public:
    Error(ExitCode code, const std::string& what) : std::runtime_error(what), code_(code) {}
    [[nodiscard]] ExitCode code() const { return code_; }

  private:
    ExitCode code_;
};

/// Something in a file or on the command line is wrong. Holds all problems found, one line each.
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

/// The machine does not give what is needed: a full disk, no mpirun, MPI or HDF5 failing.
class EnvironmentError : public Error {
  public:
    explicit EnvironmentError(const std::string& what) : Error(ExitCode::environment, what) {}
};

/// A wait that did not end, or an operation that never finishes (a rate of 0 for ever).
class StuckError : public Error {
  public:
    explicit StuckError(const std::string& what) : Error(ExitCode::stuck, what) {}
};

/// No placement fits, or a device holds more than it has and may not page.
class InfeasibleError : public Error {
  public:
    explicit InfeasibleError(const std::string& what) : Error(ExitCode::infeasible, what) {}
};

/// SIGINT or SIGTERM arrived; the trace is closed on the way out.
class InterruptedError : public Error {
  public:
    explicit InterruptedError(ExitCode code) : Error(code, "interrupted") {}
};

} // namespace headroom
