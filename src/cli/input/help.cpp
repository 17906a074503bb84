#include "cli/input/help.hpp"

#include <algorithm>
#include <cstdio>

#include "cli/input/usage.hpp"
#include "cli/terminal/screen.hpp"
#include "config/reader/key_reference.hpp"

namespace headroom::cli {

void print_help(
    const std::string& topic, const std::string& program, const std::vector<CommandHelp>& commands
) {
    if (topic.empty()) {
        put(stdout, program);
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
    complain("help", known_word(topic, topics));
}

} // namespace headroom::cli
