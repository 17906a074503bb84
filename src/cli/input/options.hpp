// The options and the argument of one command. Commands declare them with class Options, so that
// they need not include CLI11, which is slow to compile.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cli/input/usage.hpp"

namespace CLI {
class App;
} // namespace CLI

namespace headroom::cli {

class Options {
  public:
    explicit Options(CLI::App& app) : app_(app) {}

    // Each of these functions adds an option or, if the name has no dashes ("TRACE"), the argument
    // of the command. The variable `value` must live until the command has ended; it changes only
    // if the user gives the option. `kind` is the word that the help shows in place of a value,
    // such as TEXT in "--trace TEXT".

    /// An option without a value. If `help` is empty, the command's help does not list the option.
    void add(const std::string& name, bool& value, const std::string& help);
    /// An option that may be given several times.
    void add(
        const std::string& name,
        std::vector<std::string>& values,
        const std::string& help,
        const std::string& kind = "TEXT"
    );
    /// An option whose value is a text.
    template <class Text>
    void add(
        const std::string& name,
        Text& value,
        const std::string& help,
        const std::string& kind = "TEXT"
    ) {
        add_text(
            name, [&value](const std::string& text) { value = text; }, help, kind
        );
    }
    /// An option whose value is a whole number in `range`.
    template <class Integer>
    void add_integer(
        const std::string& name,
        Integer& value,
        const IntegerRange& range,
        const std::string& help,
        const std::string& kind = "INT"
    ) {
        const auto store = [&value](std::int64_t number) { value = static_cast<Integer>(number); };
        add_number(name, store, range, help, kind);
    }
    /// An option whose value is one of `words`. Calls `store` with that word.
    void add_choice(
        const std::string& name,
        const std::vector<std::string>& words,
        const std::function<void(const std::string&)>& store,
        const std::string& help
    );
    /// An option whose value is a text, for which `store` is called.
    void add_text(
        const std::string& name,
        const std::function<void(const std::string&)>& store,
        const std::string& help,
        const std::string& kind
    );
    /// --policy, whose value is `all` or policies that are separated by commas. The help lists all
    /// policies.
    void add_policies(std::vector<std::string>& policies, const std::string& help);

    /// Whether the command has the option and the user gave it.
    [[nodiscard]] bool is_given(const std::string& name) const;
    /// Throws InputError with the problem and a hint to the --help of the command.
    [[noreturn]] void fail(const std::string& problem) const;
    /// Throws InputError if the argument of the command was not given or is empty. The message
    /// calls the argument `what` and shows the command with `example` as its argument.
    void expect_argument(const char* what, const char* example) const;

    [[nodiscard]] std::string command() const;
    /// Returns the text that `headroom COMMAND --help` prints. If `command` is empty, returns the
    /// text that `headroom --help` prints.
    [[nodiscard]] std::string help_of(const std::string& command) const;
    [[nodiscard]] std::vector<std::string> all_commands() const;

  private:
    void add_number(
        const std::string& name,
        const std::function<void(std::int64_t)>& store,
        const IntegerRange& range,
        const std::string& help,
        const std::string& kind
    );

    CLI::App& app_;
};

} // namespace headroom::cli
