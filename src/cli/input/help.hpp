// `headroom help TOPIC`: prints the options of a command, or the keys of scenarios and sweeps.
#pragma once

#include <string>
#include <vector>

namespace headroom::cli {

/// The topic that describes the keys of scenarios and sweeps.
inline constexpr const char* kScenarioTopic = "scenario";

/// A command and its help.
struct CommandHelp {
    std::string name;
    std::string text; ///< what COMMAND --help prints
};

/// Prints the help on a topic to stdout. Without a topic, prints `program_help`, the help of the
/// whole program. Throws InputError if the topic is unknown.
void print_help(
    const std::string& topic,
    const std::string& program_help,
    const std::vector<CommandHelp>& commands
);

} // namespace headroom::cli
