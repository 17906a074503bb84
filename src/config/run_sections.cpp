// [model], [workload], [controller] and [clock].
#include <fstream>
#include <iterator>
#include <system_error>

#include <fmt/format.h>

#include "config/sections.hpp"

namespace headroom::config {

namespace {

constexpr std::string_view kGiveFile = "file = \"x.gguf\"";

/// The contents as one text; a problem if there is no such file or it is no text.
std::optional<std::string> read_prompt_file(
    const Site& site, const std::filesystem::path& path, Problems& problems
) {
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) {
        add_about(site, fmt::format("names a directory: {}", path.string()), problems);
        return std::nullopt;
    }
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        add_about(site, fmt::format("cannot be opened: {}", path.string()), problems);
        return std::nullopt;
    }
    std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (const auto bad = first_bad_utf8(text)) {
        const auto problem = fmt::format("is not valid UTF-8 at byte {}: {}", *bad, path.string());
        add_about(site, problem, problems);
        return std::nullopt;
    }
    return text;
}

/// Editors end a file with a newline; a prompt that ends with one is another prompt.
std::string without_last_newline(std::string text) {
    for (const char c : {'\n', '\r'}) {
        if (!text.empty() && text.back() == c) {
            text.pop_back();
        }
    }
    return text;
}

void read_prompts(TableReader& table, Scenario& scenario) {
    const auto site = table.find("prompts");
    if (!site) {
        return;
    }
    Problems& problems = table.problems();
    const toml::array* const array = site->node->as_array();
    if (array == nullptr) {
        add_mismatch(*site, "an array of strings", problems);
        return;
    }
    std::vector<std::string> prompts;
    for (std::size_t i = 0; i < array->size(); ++i) {
        const Site element{array->get(i), fmt::format("{}.{}", site->key, i)};
        prompts.push_back(read_text(element, problems).value_or(""));
    }
    if (prompts.empty()) {
        add_about(*site, "is empty; give one prompt, [\"\"] for none", problems);
    } else if (prompts.size() > 1) {
        const std::string_view text = "with more than one prompt is planned but not built yet; "
                                      "what works now: one prompt";
        add_about(*site, text, problems);
    }
    scenario.workload.prompts = std::move(prompts);
}

void read_prompt_sources(
    TableReader& table, const std::filesystem::path& folder, Scenario& scenario
) {
    read_prompts(table, scenario);
    const auto site = table.find("prompt_file");
    if (!site) {
        return;
    }
    Problems& problems = table.problems();
    if (table.find("prompts")) {
        add_about(*site, "and prompts exclude each other; give one of them", problems);
    }
    const auto written = table.text("prompt_file");
    if (!written) {
        return;
    }
    if (auto contents = read_prompt_file(*site, folder / *written, problems)) {
        scenario.workload.prompts = {without_last_newline(*contents)};
        scenario.input_files.insert_or_assign(*written, std::move(*contents));
    }
}

/// A policy's spelling belongs to the scheduler; only the message is ours.
std::optional<scheduler::PolicyKind> read_policy(TableReader& table) {
    const auto site = table.find("policy");
    if (!site) {
        return std::nullopt;
    }
    const auto kind = scheduler::policy_named(site->node->value_or(std::string_view()));
    if (!kind) {
        const auto names = scheduler::policy_names();
        const auto planned = scheduler::planned_policy_names();
        table.refuse_choice(*site, {names.begin(), names.end()}, {planned.begin(), planned.end()});
    }
    return kind;
}

/// Keys with a single value that works.
void read_only_choices(TableReader& table) {
    for (const OnlyChoice& choice : kOnlyChoices) {
        const auto site = table.find(choice.key);
        if (site && site->node->value<std::string_view>() != choice.built) {
            table.refuse_choice(*site, {std::string(choice.built)}, {std::string(choice.planned)});
        }
    }
}

} // namespace

void read_model(
    TableReader& root, const std::filesystem::path& folder, bool must_exist, Scenario& scenario
) {
    const std::string hint = fmt::format("give {}", kGiveFile);
    auto table = root.table("model", "[model]");
    if (!table) {
        if (!root.find("model")) {
            root.missing("model.file", hint);
        }
        return;
    }
    if (const auto file = table->text("file")) {
        if (file->empty()) {
            add_about(*table->find("file"), "is empty; " + hint, table->problems());
        }
        scenario.model_file_written = *file;
        // Not normalised: where a folder is a symbolic link, `..` is what the system says it is.
        scenario.model_file = folder / *file;
        if (must_exist && !file->empty() && !std::filesystem::exists(scenario.model_file)) {
            add_about(
                *table->find("file"),
                fmt::format(
                    "names no file: there is no {} (paths start from the scenario's folder)",
                    scenario.model_file.string()
                ),
                table->problems()
            );
        }
    }
    scenario.kv_type =
        table->choice("kv_type", kKvTypes, kPlannedKvTypes).value_or(scenario.kv_type);
    bool planned = table->planned("preset", kGiveFile);
    planned |= table->planned("shape", kGiveFile);
    if (!table->find("file") && !planned) {
        table->missing("file", hint);
    }
    table->finish();
}

void read_workload(TableReader& root, const std::filesystem::path& folder, Scenario& scenario) {
    auto table = root.table("workload", "[workload]");
    if (!table) {
        return;
    }
    Problems& problems = table->problems();
    WorkloadConfig& workload = scenario.workload;
    read_prompt_sources(*table, folder, scenario);
    workload.tokens = table->integer("tokens", 1, kMaxCount).value_or(workload.tokens);
    workload.stop_at_eos = table->flag("stop_at_eos").value_or(workload.stop_at_eos);
    if (const auto site = table->find("temperature")) {
        workload.temperature = read_number(*site, 0, 1000, Zero::allowed, problems).value_or(0);
    }
    if (const auto site = table->find("sequences")) {
        const auto sequences = read_integer(*site, 1, kMaxCount, problems);
        if (sequences.value_or(1) > 1) {
            const auto text =
                fmt::format("= {} is planned but not built yet; what works now: 1", *sequences);
            add_about(*site, text, problems);
        }
    }
    table->planned("prefill_chunk", "the whole prompt as one chunk, which is the default");
    table->planned("arrivals", "one sequence that is there from the beginning");
    table->finish();
}

ControllerConfig read_controller(TableReader& root, const std::vector<DeviceConfig>& devices) {
    ControllerConfig controller;
    auto table = root.table("controller", "[controller]");
    if (!table) {
        return controller;
    }
    controller.policy = read_policy(*table).value_or(controller.policy);
    controller.interval = table->integer("interval", 1, kMaxCount).value_or(controller.interval);
    controller.overload =
        table->choice("overload", kOverloads, kNonePlanned).value_or(controller.overload);
    if (controller.overload == Overload::page) {
        for (const DeviceConfig& device : devices) {
            if (!device.storage_bandwidth) {
                const auto text = fmt::format(
                    "= \"page\" needs a storage_bandwidth on every device; {} has none", device.name
                );
                add_about(*table->find("overload"), text, table->problems());
                break;
            }
        }
    }
    read_only_choices(*table);
    table->planned("slices", "granularity = \"paper\", which has no slices");
    table->planned("t_budget", "cost_profile = \"physical\", which needs none");
    table->finish();
    return controller;
}

ClockConfig read_clock(TableReader& root) {
    ClockConfig clock;
    auto table = root.table("clock", "[clock]");
    if (!table) {
        return clock;
    }
    clock.mode = table->choice("mode", kClockModes, kPlannedClockModes).value_or(clock.mode);
    if (const auto site = table->find("scale")) {
        clock.scale =
            read_number(*site, 0, 1e6, Zero::refused, table->problems()).value_or(clock.scale);
    }
    table->finish();
    return clock;
}

} // namespace headroom::config
