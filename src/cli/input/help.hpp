// `headroom help`: a command's options, or the keys of scenarios and sweeps.
#pragma once

#include <string>
#include <vector>

namespace headroom::cli {

/// `headroom help scenario`.
inline constexpr const char* kScenarioTopic = "scenario";

struct CommandHelp {
    std::string name;
    std::string text; ///< that --help prints
};

/// To stdout; without a topic, `program`: what --help prints without a command. Throws InputError
/// if there is no such topic.
void print_help(
    const std::string& topic, const std::string& program, const std::vector<CommandHelp>& commands
);

} // namespace headroom::cli
