// The errors that a user can cause or encounter, each with the exit code of the program. Bugs are
// reported by check.hpp. Functions report an expected outcome, such as a full memory budget, by
// their return value. Only the code that ends the run because of this outcome throws an error.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
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

/// A fact of an error as a name and a value, such as {"device", "phone"} or {"layer", 3}. Programs
/// read such facts from JSON output, so they need not search the message.
struct ErrorField {
    std::string_view name;
    std::variant<std::int64_t, std::string> value;
};
using ErrorFields = std::vector<ErrorField>;

/// The base class of all errors that end a run with a message for the user.
class Error : public std::runtime_error {
  public:
    Error(ExitCode code, const std::string& what, ErrorFields fields = {})
        : std::runtime_error(what), code_(code), fields_(std::move(fields)) {}
    [[nodiscard]] ExitCode code() const { return code_; }
    [[nodiscard]] const ErrorFields& fields() const { return fields_; }

  private:
    ExitCode code_;
    ErrorFields fields_;
};

/// One mistake in an input. line_of() returns "where: text", or only the text if `where` is empty.
struct InputProblem {
    std::string where; ///< "run.toml:3:5", or the option as it was given: "--set seed=x"
    std::string text;
};
[[nodiscard]] std::string line_of(const InputProblem& problem);

/// Returns the lines of the text, each with a line break and two spaces before it. Messages quote
/// texts of others so.
[[nodiscard]] std::string indented(std::string_view text);

/// A file or the command line is invalid. The error holds all problems that were found, one line
/// for each.
class InputError : public Error {
  public:
    explicit InputError(const std::string& problem) : InputError(std::vector{problem}) {}
    explicit InputError(std::vector<std::string> problems)
        : Error(ExitCode::bad_input, joined(problems)), problems_(std::move(problems)) {
        for (const std::string& problem : problems_) {
            located_.push_back({"", problem});
        }
    }
    explicit InputError(std::vector<InputProblem> problems) : InputError(lines_of(problems)) {
        located_ = std::move(problems);
    }
    /// Copies the error and appends the advice to its message.
    InputError(const InputError& error, const std::string& advice)
        : Error(ExitCode::bad_input, error.what() + advice), problems_(error.problems_),
          located_(error.located_) {}
    [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }
    /// Returns the same problems as problems(), with their places in the input if they are known.
    [[nodiscard]] const std::vector<InputProblem>& located() const { return located_; }

  private:
    static std::string joined(const std::vector<std::string>& problems);
    static std::vector<std::string> lines_of(const std::vector<InputProblem>& problems);
    std::vector<std::string> problems_;
    std::vector<InputProblem> located_;
};

/// The computer lacks something that the program needs, or a library failed: the disk is full,
/// mpirun is missing, MPI or HDF5 reports an error.
class EnvironmentError : public Error {
  public:
    explicit EnvironmentError(const std::string& what) : Error(ExitCode::environment, what) {}
};

/// A wait for another device took too long, or a computation or a message never ends because the
/// rate of its device or link stays 0.
class StuckError : public Error {
  public:
    explicit StuckError(const std::string& what, ErrorFields fields = {})
        : Error(ExitCode::stuck, what, std::move(fields)) {}
};

/// No placement is feasible. Or a device holds more than its memory budget and cannot page (read
/// the excess weights from storage), because it has no storage or the scenario forbids paging.
class InfeasibleError : public Error {
  public:
    explicit InfeasibleError(const std::string& what, ErrorFields fields = {})
        : Error(ExitCode::infeasible, what, std::move(fields)) {}
};

/// SIGINT or SIGTERM arrived. While the exception propagates, the trace (output file) is closed.
class InterruptedError : public Error {
  public:
    explicit InterruptedError(ExitCode code) : Error(code, "interrupted") {}
};

} // namespace headroom
