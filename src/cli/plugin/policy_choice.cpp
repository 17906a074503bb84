#include "cli/plugin/policy_choice.hpp"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <fstream>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/checksum.hpp"
#include "base/error.hpp"
#include "cli/input/policy_file.hpp"
#include "cli/plugin/crash_message.hpp"
#include "cli/plugin/library.hpp"
#include "cli/plugin/python_library.hpp"
#include "scheduler/policies/custom.hpp"
#include "scheduler/policies/registry.hpp"
#include "trace/records/labels.hpp"

namespace headroom::cli {
namespace {

constexpr std::size_t kMaxNameLength = 64;

std::string contents_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::string contents(std::istreambuf_iterator<char>(file), {});
    if (!file) {
        throw InputError(fmt::format("--policy: {} cannot be read, expected a file", path));
    }
    return contents;
}

/// Returns the version of a policy that these files make up.
std::string hash_of(const std::vector<std::string>& paths) {
    std::uint64_t sum = 0;
    for (const std::string& path : paths) {
        const std::string contents = contents_of(path);
        sum = checksum(std::as_bytes(std::span(contents)), sum);
    }
    return fmt::format("hash {:016x}", sum);
}

bool is_word(const std::string& name) {
    return !name.empty() && name.size() <= kMaxNameLength &&
           std::ranges::all_of(name, [](unsigned char c) {
               return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
           });
}

void check_name(const std::string& what, const std::string& name) {
    if (!is_word(name)) {
        throw InputError(fmt::format(
            "--policy {}: has the name '{}', expected up to {} letters, digits, '_', '-' and "
            "'.'; give it another one",
            what,
            name,
            kMaxNameLength
        ));
    }
    if (scheduler::policy_named(name)) {
        throw InputError(fmt::format(
            "--policy {}: has the name {} of a policy of headroom, expected another one, so that "
            "tables and traces tell them apart",
            what,
            name
        ));
    }
}

/// what: names the policy in messages.
std::unique_ptr<PolicyPlugin> open(const PolicyFile& file, const std::string& what) {
    if (!file.is_python()) {
        return open_plugin(file.path, what, file.argument);
    }
    // Python's own extension modules, such as numpy's, use the symbols of libpython.
    return open_plugin(
        python_library(what),
        what,
        fmt::format("{}:{}", file.path.string(), file.argument),
        Symbols::shared
    );
}

/// A policy that is never asked.
class AbsentPolicy final : public scheduler::Policy {
  public:
    explicit AbsentPolicy(std::string name) : name_(std::move(name)) {}
    [[nodiscard]] std::string_view name() const override { return name_; }
    [[nodiscard]] std::string version() const override { return kNotLoaded; }
    [[nodiscard]] scheduler::Decision decide(const scheduler::Problem& /*problem*/) const override {
        throw Bug(fmt::format("policy {} was asked, which is not there", name_));
    }

  private:
    std::string name_;
};

} // namespace

ChosenPolicy load_policy(const PolicyOptions& options) {
    const PolicyFile file = policy_file(options.file);
    const std::shared_ptr<PolicyPlugin> plugin = open(file, options.file);
    const std::string name = plugin->name();
    check_name(options.file, name);
    std::vector<std::string> files = plugin->files();
    if (!file.is_python()) {
        files.insert(files.begin(), file.path.string());
    }
    ChosenPolicy chosen;
    chosen.file = options.file;
    chosen.watch = std::make_shared<DecisionWatch>(
        name, std::chrono::seconds(options.timeout_seconds), [plugin] { return plugin->where(); }
    );
    chosen.policy = std::make_unique<scheduler::CustomPolicy>(
        name,
        hash_of(files),
        [plugin, name, watch = chosen.watch](const scheduler::Problem& problem) {
            const CrashMessage crash(name);
            const DecisionWatch::Decision deciding(*watch);
            return plugin->place(problem);
        }
    );
    return chosen;
}

void check_policy_file(const config::Scenario& scenario, const PolicyOptions& options) {
    if (scenario.controller.policy != scheduler::PolicyKind::custom) {
        return;
    }
    if (options.file.empty()) {
        throw InputError(fmt::format("controller.policy is \"custom\", {}", kExpectPolicyFile));
    }
    (void)policy_file(options.file);
}

ChosenPolicy choose_policy(const config::Scenario& scenario, const PolicyOptions& options) {
    check_policy_file(scenario, options);
    return scenario.controller.policy == scheduler::PolicyKind::custom
               ? load_policy(options)
               : ChosenPolicy{nullptr, scheduler::make_policy(scenario.controller.policy), ""};
}

ChosenPolicy recorded_policy(
    const trace::RunHeader& header, const config::Scenario& scenario, const PolicyOptions& options
) {
    if (scenario.controller.policy == scheduler::PolicyKind::custom && options.file.empty()) {
        return {nullptr, std::make_unique<AbsentPolicy>(trace::attribute_of(header, "policy")), ""};
    }
    return choose_policy(scenario, options);
}

} // namespace headroom::cli
