// [workload], [controller] and [clock].
#include <algorithm>
#include <fstream>
#include <iterator>
#include <system_error>

#include <fmt/format.h>

#include "config/sections.hpp"

namespace headroom::config {

namespace {

constexpr std::int64_t kMaxSlices = 65'536;
constexpr std::int64_t kMaxPromptTokens = 16'777'216;
constexpr std::int64_t kDefaultPromptTokens = 16;

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
        const auto* const text = site->node->as_string();
        const auto hint =
            text == nullptr ? "" : fmt::format("; did you mean [{}]?", found_text(*text));
        add_mismatch(*site, "an array of strings", problems, hint);
        return;
    }
    std::vector<std::string> prompts;
    for (std::size_t i = 0; i < array->size(); ++i) {
        const Site element{array->get(i), fmt::format("{}.{}", site->key, i)};
        prompts.push_back(read_text(element, problems).value_or(""));
    }
    if (prompts.empty()) {
        add_about(*site, "is empty; give one prompt, [\"\"] for none", problems);
    }
    scenario.workload.prompts = std::move(prompts);
}

/// Every line that is not empty.
std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view with_return = text.substr(0, end);
        const bool windows = with_return.ends_with('\r');
        const std::string_view line = with_return.substr(0, end - (windows ? 1 : 0));
        if (!line.empty()) {
            lines.emplace_back(line);
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

void read_prompt_sources(
    TableReader& table, const std::filesystem::path& folder, Scenario& scenario
) {
    read_prompts(table, scenario);
    const auto site = table.find("prompt_file");
    const bool by_line = table.flag("prompt_lines").value_or(false);
    if (!site) {
        if (by_line) {
            const std::string_view text = "= true needs a prompt_file, whose lines are the prompts";
            add_about(*table.find("prompt_lines"), text, table.problems());
        }
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
        scenario.workload.prompts =
            by_line ? lines_of(*contents) : std::vector{without_last_newline(*contents)};
        if (scenario.workload.prompts.empty()) {
            add_about(*site, fmt::format("has no line with a prompt: {}", *written), problems);
        }
        scenario.input_files.insert_or_assign(*written, std::move(*contents));
    }
}

/// Without a tokenizer prompts are counted, not spelled.
void read_prompt_tokens(TableReader& table, ModelSource model, WorkloadConfig& workload) {
    Problems& problems = table.problems();
    if (model == ModelSource::shape) {
        for (const std::string_view key : {"prompts", "prompt_file"}) {
            if (const auto site = table.find(key)) {
                const std::string_view text = "needs a tokenizer, and a preset or shape has none; "
                                              "give prompt_tokens = 16, or a model file";
                add_about(*site, text, problems);
            }
        }
    }
    const auto site = table.find("prompt_tokens");
    if (!site) {
        return;
    }
    if (model == ModelSource::file) {
        const std::string_view text =
            "goes with a preset or a shape; a model file has a tokenizer: "
            "give prompts";
        add_about(*site, text, problems);
        return;
    }
    const toml::array* const array = site->node->as_array();
    std::vector<std::int64_t> lengths;
    for (std::size_t i = 0; array != nullptr && i < array->size(); ++i) {
        const Site element{array->get(i), fmt::format("{}.{}", site->key, i)};
        lengths.push_back(read_integer(element, 1, kMaxPromptTokens, problems).value_or(1));
    }
    if (array == nullptr) {
        lengths = {read_integer(*site, 1, kMaxPromptTokens, problems).value_or(1)};
    } else if (array->empty()) {
        add_about(*site, "is empty; give a length for each prompt", problems);
    }
    workload.prompt_tokens = std::move(lengths);
}

/// temperature, top_k, top_p and min_p. The last three say nothing where nothing is drawn.
void read_sampling(TableReader& table, WorkloadConfig& workload) {
    Problems& problems = table.problems();
    const auto number = [&](std::string_view key, double high, Zero zero, double otherwise) {
        const auto site = table.find(key);
        return site ? read_number(*site, 0, high, zero, problems).value_or(otherwise) : otherwise;
    };
    const double kInvalid = -1;
    workload.temperature =
        table.find("temperature") ? number("temperature", 1000, Zero::allowed, kInvalid) : 0;
    workload.top_k = table.integer("top_k", 0, kMaxCount).value_or(0);
    workload.top_p = number("top_p", 1, Zero::refused, 1);
    workload.min_p = number("min_p", 1, Zero::allowed, 0);
    const auto needs_temperature = [&](std::string_view key, bool used) {
        if (used && workload.temperature == 0) {
            const std::string_view text = "has no effect at temperature 0, where the likeliest "
                                          "token is always taken; give a temperature above 0";
            add_about(*table.find(key), text, problems);
        }
    };
    needs_temperature("top_k", workload.top_k > 0);
    needs_temperature("top_p", workload.top_p < 1);
    needs_temperature("min_p", workload.min_p > 0);
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
        table.refuse_choice(*site, {names.begin(), names.end()}, {});
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

/// Reports a choice that makes every device read its storage if some have none.
void require_storage(
    TableReader& table, std::string_view key, const std::vector<DeviceConfig>& devices
) {
    std::vector<std::string> lacking;
    for (const DeviceConfig& device : devices) {
        if (!device.storage_bandwidth) {
            lacking.push_back(device.name);
        }
    }
    if (!lacking.empty()) {
        const Site site = *table.find(key);
        const auto text = fmt::format(
            "= {} needs a storage_bandwidth on every device; without one: {}",
            found_text(*site.node),
            shortened_list(lacking)
        );
        add_about(site, text, table.problems());
    }
}

/// [controller.paper].
void read_paper(TableReader& controller, scheduler::PaperSettings& paper) {
    auto table = controller.table("paper", "[controller.paper]");
    if (!table) {
        return;
    }
    paper.gather = table->choice("gather", kPaperGathers, kNonePlanned).value_or(paper.gather);
    paper.score = table->choice("score", kPaperScores, kNonePlanned).value_or(paper.score);
    paper.backtracks = table->integer("backtracks", 0, kMaxCount).value_or(paper.backtracks);
    table->finish();
}

/// granularity, slices and reduce. Of a model file it is known later whether slices divide its FFN.
void read_cut(
    TableReader& table,
    const std::optional<scheduler::ModelShape>& shape,
    ControllerConfig& controller
) {
    controller.granularity =
        table.choice("granularity", kGranularities, kNonePlanned).value_or(controller.granularity);
    const auto slices = table.integer("slices", 1, kMaxSlices);
    controller.slices = static_cast<std::int32_t>(slices.value_or(controller.slices));
    controller.reduce = table.choice("reduce", kReduces, kNonePlanned).value_or(controller.reduce);
    if (controller.granularity == scheduler::Granularity::paper) {
        for (const std::string_view key : {"slices", "reduce"}) {
            if (const auto site = table.find(key)) {
                const std::string_view text = "has no effect in granularity \"paper\"; give "
                                              "granularity = \"sliced\" or leave it out";
                add_about(*site, text, table.problems());
            }
        }
    } else if (controller.cost_profile == scheduler::CostProfile::paper) {
        const std::string_view text = "= \"sliced\" has no costs in cost_profile \"paper\", whose "
                                      "formulas know heads, proj and ffn; give cost_profile = "
                                      "\"physical\" or granularity = \"paper\"";
        add_about(*table.find("granularity"), text, table.problems());
    }
    if (const std::string problem = shape ? slices_problem(controller, *shape) : "";
        !problem.empty()) {
        const auto site = table.find(table.find("slices") ? "slices" : "granularity");
        table.problems().add(site->node->source(), problem);
    }
}

} // namespace

void read_workload(
    TableReader& root, const std::filesystem::path& folder, ModelSource model, Scenario& scenario
) {
    WorkloadConfig& workload = scenario.workload;
    if (model == ModelSource::shape) {
        workload.prompt_tokens = {kDefaultPromptTokens};
    }
    auto table = root.table("workload", "[workload]");
    if (!table) {
        return;
    }
    Problems& problems = table->problems();
    read_prompt_sources(*table, folder, scenario);
    read_prompt_tokens(*table, model, workload);
    workload.tokens = table->integer("tokens", 1, kMaxCount).value_or(workload.tokens);
    workload.stop_at_eos = table->flag("stop_at_eos").value_or(workload.stop_at_eos);
    read_sampling(*table, workload);
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

ControllerConfig read_controller(
    TableReader& root,
    const std::vector<DeviceConfig>& devices,
    const std::optional<scheduler::ModelShape>& shape
) {
    ControllerConfig controller;
    auto table = root.table("controller", "[controller]");
    if (!table) {
        return controller;
    }
    controller.policy = read_policy(*table).value_or(controller.policy);
    controller.interval = table->integer("interval", 1, kMaxCount).value_or(controller.interval);
    controller.overload =
        table->choice("overload", kOverloads, kNonePlanned).value_or(controller.overload);
    controller.weights =
        table->choice("weights", kWeights, kNonePlanned).value_or(controller.weights);
    if (controller.overload == Overload::page) {
        require_storage(*table, "overload", devices);
    }
    if (controller.weights == Weights::everywhere) {
        require_storage(*table, "weights", devices);
    }
    controller.cost_profile = table->choice("cost_profile", kCostProfiles, kNonePlanned)
                                  .value_or(controller.cost_profile);
    controller.t_budget = table->quantity("t_budget", Quantity::duration, Zero::refused)
                              .value_or(controller.t_budget);
    read_paper(*table, controller.paper);
    read_cut(*table, shape, controller);
    controller.ends = table->choice("ends", kEnds, kNonePlanned).value_or(controller.ends);
    controller.memory_window = table->quantity("memory_window", Quantity::duration, Zero::allowed)
                                   .value_or(controller.memory_window);
    controller.memory_reserve =
        table->fraction("memory_reserve").value_or(controller.memory_reserve);
    controller.look_ahead = table->flag("look_ahead").value_or(controller.look_ahead);
    controller.node_limit =
        table->integer("node_limit", 1, kMaxCount).value_or(controller.node_limit);
    read_only_choices(*table);
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
