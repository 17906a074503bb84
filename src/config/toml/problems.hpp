// Collects the mistakes in a scenario or sweep with their positions, so that one InputError can
// list all of them in file order. "Problem" means such a mistake.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <toml++/toml.h>

#include "base/error.hpp"

namespace headroom::config {

class Problems {
  public:
    /// `file` is the name of the scenario or sweep in messages.
    explicit Problems(std::string file) : file_(std::move(file)) {}

    /// Adds a problem at a position of the file. If the value was set on the command line,
    /// where.path is not a file's path but the name of the option. The problem is then added with
    /// add_option.
    void add(const toml::source_region& where, const std::string& text);
    /// Adds a problem of a command line option. Problems of options are listed after those of the
    /// file.
    void add_option(const std::string& option, const std::string& text);
    [[nodiscard]] bool empty() const { return problems_.empty(); }
    [[nodiscard]] std::size_t size() const { return problems_.size(); }
    [[nodiscard]] const std::string& file() const { return file_; }
    /// Throws InputError with all problems, sorted by line and column, if there are any.
    void throw_if_any() const;

  private:
    struct Problem {
        bool of_option = false;
        toml::source_position position;
        InputProblem what;
    };
    std::string file_;
    std::vector<Problem> problems_;
};

} // namespace headroom::config
