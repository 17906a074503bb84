// The command `headroom help`: it lists the commands, or describes a command or a topic.
#include "cli/input/help.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>

#include <fmt/format.h>

#include "cli/input/commands.hpp"
#include "cli/terminal/screen.hpp"
#include "config/reader/key_reference.hpp"
#include "scheduler/policies/registry.hpp"

namespace headroom::cli {

namespace {

struct Topic {
    const char* name;
    const char* summary;
    std::string (*text)();
};

std::string scenario_text() {
    return fmt::format(
        "A scenario is one TOML file that describes a run; a sweep is one that describes many.\n"
        "headroom inspect FILE checks it, and shows all that it leaves out.\n\n{}",
        config::key_reference()
    );
}

std::string policies_text() {
    std::string text =
        "A policy decides which device holds which block (controller.policy, --policy).\n\n";
    for (const std::string_view name : scheduler::policy_names()) {
        const scheduler::PolicyKind kind = *scheduler::policy_named(name);
        text += fmt::format("  {:<22}{}\n", name, scheduler::summary_of(kind));
    }
    return text +
           "\nA policy that is placed once keeps its first placement; the others decide anew every "
           "controller.interval\nrounds. headroom plan compares them for one decision, headroom "
           "simulate --policy A,B over a whole run.\ndocs/reference/policies.md says more.\n";
}

constexpr std::array kTopics{
    Topic{"scenario", "every key of scenarios and sweeps", scenario_text},
    Topic{"policies", "what each policy does", policies_text},
};

void add_help_options(Options& options, std::string& topic) {
    options.add("TOPIC", topic, "a command, or a topic of headroom help");
}

int print_help(const Options& options, const std::string& topic) {
    std::vector<std::string> names = options.all_commands();
    const auto* const found = std::ranges::find(kTopics, topic, &Topic::name);
    if (topic.empty() || std::ranges::find(names, topic) != names.end()) {
        put(stdout, options.help_of(topic));
    } else if (found != kTopics.end()) {
        put(stdout, found->text());
    } else {
        std::ranges::transform(kTopics, std::inserter(names, names.begin()), &Topic::name);
        options.fail(word_problem(topic, names));
    }
    std::fflush(stdout);
    return 0;
}

} // namespace

std::string topics_text() {
    std::string text = "Topics:\n";
    for (const Topic& topic : kTopics) {
        text += fmt::format("  {:<28}{}\n", topic.name, topic.summary);
    }
    return text + "\nheadroom help COMMAND and headroom help TOPIC say more.\n\n";
}

const Command kHelp{
    "help",
    "list the commands, or describe one of them or a topic",
    define<std::string, add_help_options, print_help>};

} // namespace headroom::cli
