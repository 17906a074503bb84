#include "cli/input/help.hpp"

#include <algorithm>
#include <cstdio>

#include "cli/input/usage.hpp"
#include "cli/terminal/screen.hpp"
#include "config/reader/key_reference.hpp"

namespace headroom::cli {

void print_help(
    const std::string& topic,
    const std::string& program_help,
    const std::vector<CommandHelp>& commands
) {
    if (topic.empty()) {
        put(stdout, program_help);
        return;
    }
    if (topic == kScenarioTopic) {
        say(stdout,
            "A scenario is one TOML file that describes a run; a sweep is one that describes "
            "many.\n"
            "headroom inspect FILE checks it, and shows all that it leaves out.\n\n{}",
            config::key_reference());
        return;
    }
    std::vector<std::string> topics{kScenarioTopic};
    for (const CommandHelp& command : commands) {
        if (command.name == topic) {
            put(stdout, command.text);
            return;
        }
        topics.push_back(command.name);
    }
    throw_usage_error("help", word_problem(topic, topics));
}

} // namespace headroom::cli
