// The table of all commands. docs/how-to/add-a-command.md shows how to add one.
#pragma once

#include <array>
#include <functional>
#include <memory>

#include "cli/input/options.hpp"

namespace headroom::cli {

struct Command {
    const char* name;
    const char* summary; ///< one line for `headroom help` and the manual
    /// Declares the command's options in `options`. Returns the function that executes the command;
    /// its result is the exit code.
    std::function<int()> (*define)(Options& options);
};

/// Makes `Command::define` from two functions. `add_options` declares options that store their
/// values in an object of type `Values`. `run` executes the command with this object.
template <
    class Values,
    void (*add_options)(Options&, Values&),
    int (*run)(const Options&, const Values&)>
std::function<int()> define(Options& options) {
    auto values = std::make_shared<Values>();
    add_options(options, *values);
    return [&options, values] { return run(options, *values); };
}

extern const Command kRun;      // run/run_command.cpp
extern const Command kSimulate; // run/simulate_command.cpp
extern const Command kPlan;     // plan/plan_command.cpp
extern const Command kReplay;   // trace/replay_command.cpp
extern const Command kInspect;  // trace/inspect_command.cpp
extern const Command kExport;   // trace/export_command.cpp
extern const Command kSweep;    // sweep/sweep_command.cpp
extern const Command kCollect;  // sweep/collect_command.cpp
extern const Command kHelp;     // input/help.cpp

/// All commands in the order of the help.
inline constexpr std::array kCommands{
    &kRun, &kSimulate, &kPlan, &kReplay, &kInspect, &kExport, &kSweep, &kCollect, &kHelp};

} // namespace headroom::cli
