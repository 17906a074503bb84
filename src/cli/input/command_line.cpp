// The only file that includes CLI11.
#include "cli/input/command_line.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"
#include "base/verbose.hpp"
#include "cli/input/help.hpp"
#include "cli/terminal/screen.hpp"
#include "cli/terminal/version.hpp"

namespace headroom::cli {

namespace {

constexpr const char* kExitCodes =
    "exit codes: 0 fine, 2 bad input, 3 environment, 4 bug, 5 stuck, 6 infeasible, "
    "130/143 interrupted with the trace closed";

std::vector<std::string> option_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options()) {
        if (option->get_group().empty()) {
            continue; // hidden
        }
        for (const std::string& name : option->get_lnames()) {
            names.push_back("--" + name);
        }
    }
    return names;
}

std::string argument_of(const CLI::App& app) {
    const auto options = app.get_options([](const CLI::Option* o) { return o->get_positional(); });
    return options.empty() ? "" : options.front()->get_name(true);
}

std::vector<std::string> names_of(std::span<const Command* const> commands) {
    std::vector<std::string> names;
    for (const Command* const command : commands) {
        names.emplace_back(command->name);
    }
    return names;
}

/// Rewords an error of CLI11, whose own messages are "--tokens: 1 required INT missing",
/// "--tokens: At Most 1 required but received 2" and "Could not convert: --force = maybe".
std::string reworded(const CLI::ParseError& error) {
    const std::string text = error.what();
    const std::string option = text.substr(0, text.find(':'));
    if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr) {
        return text + "; expected another kind of value; leave it out or give one";
    }
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) == nullptr) {
        return text; // a message of our validators
    }
    return text.find("received") == std::string::npos
               ? fmt::format("{}: expected a value after it, found none; add the value", option)
               : fmt::format("{}: expected once, found again; leave out all but one", option);
}

/// Parses the arguments. Returns the exit code if help or the version was printed.
std::optional<int> parse(CLI::App& app, int argc, char** argv) {
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& printed) {
        return app.exit(printed);
    } catch (const CLI::ParseError& error) {
        throw_usage_error(argc > 1 && argv[1][0] != '-' ? argv[1] : "", reworded(error));
    }
    return std::nullopt;
}

/// Throws InputError if there are arguments that belong to no option.
void check_all_are_used(const CLI::App& app, const CLI::App& used) {
    if (const std::vector<std::string> early = app.remaining(); !early.empty()) {
        throw_usage_error(
            "",
            fmt::format(
                "there is no option {}, expected a command and its options behind it, not before "
                "the command",
                early.front()
            )
        );
    }
    if (const std::vector<std::string> rest = used.remaining(); !rest.empty()) {
        throw_usage_error(
            used.get_name(), unexpected_arguments(rest, option_names(used), argument_of(used))
        );
    }
}

/// Prints a short help, then throws the error, so that it is the last thing on the screen.
[[noreturn]] void throw_no_command(const CLI::App& app, const std::vector<std::string>& commands) {
    const std::string help = app.help();
    say(stderr, "{}\n\n", help.substr(0, help.find("\n\n")));
    throw_usage_error(
        "",
        fmt::format(
            "no command was given, expected one of: {}; for example: headroom run my.toml",
            fmt::join(commands, ", ")
        )
    );
}

void add_verbose(CLI::App& app) {
    app.add_flag_callback(
        "--verbose",
        [] { (void)setenv(kVerboseVariable, "1", 1); }, // ranks inherit it
        "errors also repeat what the libraries below say"
    );
}

} // namespace

void Options::add(const std::string& name, bool& value, const std::string& help) {
    CLI::Option* const option = app_.add_flag(name, value, help);
    if (help.empty()) {
        option->group("");
    }
}

void Options::add(
    const std::string& name,
    std::vector<std::string>& values,
    const std::string& help,
    const std::string& kind
) {
    app_.add_option(name, values, help)->type_name(kind)->take_all()->allow_extra_args(false);
}

void Options::add_text(
    const std::string& name,
    const std::function<void(const std::string&)>& store,
    const std::string& help,
    const std::string& kind
) {
    app_.add_option_function<std::string>(name, store, help)->type_name(kind);
}

void Options::add_number(
    const std::string& name,
    const std::function<void(std::int64_t)>& store,
    const IntegerRange& range,
    const std::string& help,
    const std::string& kind
) {
    app_.add_option_function<std::int64_t>(name, store, help)
        ->type_name(kind)
        ->check([range](const std::string& text) { return integer_problem(text, range); });
}

void Options::add_choice(
    const std::string& name,
    const std::vector<std::string>& words,
    const std::function<void(const std::string&)>& store,
    const std::string& help
) {
    app_.add_option_function<std::string>(name, store, help)
        ->check([words](const std::string& text) { return word_problem(text, words); });
}

void Options::add_policies(std::vector<std::string>& policies, const std::string& help) {
    add_text(
        "--policy",
        [this, &policies](const std::string& text) { policies = policy_list(command(), text); },
        help + all_policies() + ", or a file with a policy of your own (.so, .py:FUNCTION)",
        "TEXT"
    );
}

bool Options::is_given(const std::string& name) const {
    const CLI::Option* const option = app_.get_option_no_throw(name);
    return option != nullptr && option->count() > 0;
}

void Options::fail(const std::string& problem) const {
    throw_usage_error(command(), problem);
}

void Options::expect_argument(const char* what, const char* example) const {
    const CLI::Option& argument = *app_.get_option(argument_of(app_));
    if (argument.count() == 0 || argument.as<std::string>().empty()) {
        fail(fmt::format(
            "{} is missing, expected one; for example: headroom {} {}", what, command(), example
        ));
    }
}

std::string Options::command() const {
    return app_.get_name();
}

std::string Options::help_of(const std::string& command) const {
    // App::help() would describe the command that is executed.
    const CLI::App& program = *app_.get_parent();
    return command.empty() ? program.get_formatter()->make_help(
                                 &program, program.get_name(), CLI::AppFormatMode::Normal
                             )
                           : program.get_subcommand(command)->help(program.get_name());
}

std::vector<std::string> Options::all_commands() const {
    std::vector<std::string> names;
    for (const CLI::App* const command : app_.get_parent()->get_subcommands({})) {
        names.push_back(command->get_name());
    }
    return names;
}

bool wants_json(int argc, char** argv) {
    return std::find(argv, argv + argc, std::string_view("--json")) != argv + argc;
}

int run_command_line(int argc, char** argv, std::span<const Command* const> commands) {
    const std::vector<std::string> names = names_of(commands);
    if (const std::string word = argc > 1 ? argv[1] : "";
        !word.empty() && !word.starts_with('-') && std::ranges::find(names, word) == names.end()) {
        throw_usage_error("", unknown_command(word, names));
    }
    CLI::App app(
        "headroom runs a language model over a fleet of emulated edge devices, partitioned at "
        "attention-head level and placed anew every few tokens",
        "headroom"
    );
    app.footer(kExitCodes);
    app.require_subcommand(0, 1);
    app.allow_extras();
    app.set_version_flag(
        "--version", fmt::format("headroom {} ({})", HEADROOM_VERSION, HEADROOM_COMMIT)
    );
    std::map<std::string, Options> options;
    std::map<std::string, std::function<int()>> runs;
    for (const Command* const command : commands) {
        CLI::App& added = *app.add_subcommand(command->name, command->summary);
        added.allow_extras();
        added.group("Commands");
        const auto [own, is_new] = options.emplace(command->name, added);
        runs[command->name] = command->define(own->second);
        add_verbose(added);
    }
    app.footer(topics_text() + kExitCodes); // the commands have copied the footer already
    if (const std::optional<int> code = parse(app, argc, argv)) {
        return *code;
    }
    const std::vector<CLI::App*> used = app.get_subcommands();
    check_all_are_used(app, used.empty() ? app : *used.front());
    if (used.empty()) {
        throw_no_command(app, names);
    }
    return runs.at(used.front()->get_name())();
}

} // namespace headroom::cli
