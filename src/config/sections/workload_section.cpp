// [workload].
#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "config/sections/keys.hpp"
#include "config/sections/sections.hpp"
#include "config/toml/input.hpp"

namespace headroom::config {

namespace {

constexpr std::int64_t kMaxPromptTokens = 16'777'216;
constexpr std::int64_t kDefaultPromptTokens = 16;

/// Returns the contents of a prompt file. Adds a problem if it cannot be read or is not UTF-8.
std::optional<std::string> read_prompt_file(
    const TomlEntry& entry, const std::filesystem::path& path, Problems& problems
) {
    Input input = read_input(path, "the prompts");
    if (input.error_number == EISDIR || input.error_number == ENOENT) {
        const char* const what =
            input.error_number == EISDIR ? "names a directory" : "cannot be opened";
        return add_problem(entry, fmt::format("{}: {}", what, path.string()), problems);
    }
    if (input.error_number != 0) {
        const std::string why = std::strerror(input.error_number);
        return add_problem(
            entry, fmt::format("cannot be read: {}: {}", input_name(path), why), problems
        );
    }
    if (const auto bad = first_invalid_utf8(input.text)) {
        const auto problem =
            fmt::format("is not valid UTF-8 at byte {}: {}", *bad, input_name(path));
        return add_problem(entry, problem, problems);
    }
    return std::move(input.text);
}

/// Removes the byte order mark that some editors put at the beginning of a file.
std::string_view without_mark(std::string_view text) {
    constexpr std::string_view kMark = "\xEF\xBB\xBF";
    return text.substr(text.starts_with(kMark) ? kMark.size() : 0);
}

/// Removes the newline that editors put at the end of a file, because it would change the prompt.
std::string without_last_newline(std::string_view text) {
    for (const char c : {'\n', '\r'}) {
        if (text.ends_with(c)) {
            text.remove_suffix(1);
        }
    }
    return std::string(text);
}

void read_prompts(TableReader& table, Scenario& scenario) {
    const auto entry = table.find("prompts");
    if (!entry) {
        return;
    }
    Problems& problems = table.problems();
    if (!entry->node->is_array()) {
        const auto* const text = entry->node->as_string();
        const auto hint =
            text == nullptr ? "" : fmt::format("; did you mean [{}]?", found_text(*text));
        add_mismatch(*entry, "an array of strings", problems, hint);
        return;
    }
    std::vector<std::string> prompts;
    for (const TomlEntry& element : elements_of(*entry)) {
        prompts.push_back(read_text(element, problems).value_or(""));
    }
    if (prompts.empty()) {
        add_problem(*entry, "is empty; give one prompt, [\"\"] for none", problems);
    }
    scenario.workload.prompts = std::move(prompts);
}

/// Returns all lines that are not empty.
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
    const auto entry = table.find("prompt_file");
    const bool by_line = table.flag("prompt_lines").value_or(false);
    if (!entry) {
        if (by_line) {
            const std::string_view text = "= true needs a prompt_file, whose lines are the prompts";
            add_problem(*table.find("prompt_lines"), text, table.problems());
        }
        return;
    }
    Problems& problems = table.problems();
    if (table.find("prompts")) {
        add_problem(*entry, "and prompts exclude each other; give one of them", problems);
    }
    const auto written = table.text("prompt_file");
    if (!written) {
        return;
    }
    const auto path =
        is_standard_input(*written) ? std::filesystem::path(*written) : folder / *written;
    if (auto contents = read_prompt_file(*entry, path, problems)) {
        const std::string_view text = without_mark(*contents);
        scenario.workload.prompts =
            by_line ? lines_of(text) : std::vector{without_last_newline(text)};
        if (scenario.workload.prompts.empty()) {
            add_problem(*entry, fmt::format("has no line with a prompt: {}", *written), problems);
        }
        scenario.input_files.insert_or_assign(*written, std::move(*contents));
    }
}

/// Reads a number or a list of numbers from 1 to `high`.
std::vector<std::int64_t> read_numbers(
    const TomlEntry& entry, std::int64_t high, std::string_view if_empty, Problems& problems
) {
    std::vector<std::int64_t> numbers;
    const bool list = entry.node->is_array();
    for (const TomlEntry& element : list ? elements_of(entry) : std::vector{entry}) {
        numbers.push_back(read_integer(element, 1, high, problems).value_or(1));
    }
    if (numbers.empty()) {
        add_problem(entry, if_empty, problems);
    }
    return numbers;
}

/// Reads prompt_tokens, which replaces the prompts of a model without a tokenizer, or with one that
/// Headroom cannot use.
void read_prompt_tokens(TableReader& table, ModelKind model, WorkloadConfig& workload) {
    Problems& problems = table.problems();
    if (model == ModelKind::shape) {
        for (const std::string_view key : {"prompts", "prompt_file"}) {
            if (const auto entry = table.find(key)) {
                const std::string_view text = "needs a tokenizer, and a preset or shape has none; "
                                              "give prompt_tokens = 16, or a model file";
                add_problem(*entry, text, problems);
            }
        }
    }
    const auto entry = table.find("prompt_tokens");
    if (!entry) {
        return;
    }
    for (const std::string_view key : {"prompts", "prompt_file"}) {
        if (model == ModelKind::file && table.find(key)) {
            const auto text = fmt::format("and {} exclude each other; give one of them", key);
            add_problem(*entry, text, problems);
        }
    }
    const std::string_view if_empty = "is empty; give a length for each prompt";
    workload.prompt_tokens = read_numbers(*entry, kMaxPromptTokens, if_empty, problems);
}

/// Checks top_k, top_p and min_p, which have no effect at temperature 0.
void check_sampling(TableReader& table, const WorkloadConfig& workload) {
    for (const auto& [key, used] :
         {std::pair("top_k", workload.top_k > 0),
          std::pair("top_p", workload.top_p < 1),
          std::pair("min_p", workload.min_p > 0)}) {
        if (used && workload.temperature == 0) {
            const std::string_view text = "has no effect at temperature 0, where the likeliest "
                                          "token is always taken; give a temperature above 0";
            add_problem(*table.find(key), text, table.problems());
        }
    }
}

/// Reads the token limit of all prompts, or one limit per prompt. prompts: the number of prompts,
/// or nothing if a problem leaves it unknown.
void read_tokens(TableReader& table, std::optional<std::size_t> prompts, WorkloadConfig& workload) {
    const auto entry = table.find("tokens");
    if (!entry) {
        return;
    }
    Problems& problems = table.problems();
    const std::string_view if_empty = "is empty; give a number for each prompt or one for all";
    std::vector<std::int64_t> limits = read_numbers(*entry, kMaxCount, if_empty, problems);
    if (limits.empty()) {
        return;
    }
    workload.tokens = *std::max_element(limits.begin(), limits.end());
    if (!entry->node->is_array()) {
        return;
    }
    if (prompts && *prompts != limits.size()) {
        const auto text = fmt::format(
            "has {} for {}; give one for each or a single number for all",
            count_text(limits.size(), "number"),
            count_text(*prompts, "prompt")
        );
        add_problem(*entry, text, problems);
    }
    workload.tokens_each = std::move(limits);
}

/// Returns the number of requests, or nothing if a problem leaves it unknown.
std::optional<std::size_t> count_requests(
    TableReader& table, std::optional<std::size_t> prompts, const WorkloadConfig& workload
) {
    const auto entry = table.find("repeat");
    if (!prompts || workload.repeat == 0) {
        return std::nullopt;
    }
    if (workload.requests() > static_cast<std::size_t>(kMaxRequests)) {
        const auto text = fmt::format(
            "{} times {} are {} requests; there may be {}",
            workload.repeat,
            count_text(*prompts, "prompt"),
            workload.requests(),
            kMaxRequests
        );
        table.problems().add(
            entry ? entry->node->source() : table.position(),
            fmt::format("{}: {}", table.key_path(entry ? "repeat" : "prompts"), text)
        );
        return std::nullopt;
    }
    return workload.requests();
}

} // namespace

void read_workload(
    TableReader& root, const std::filesystem::path& folder, ModelKind model, Scenario& scenario
) {
    WorkloadConfig& workload = scenario.workload;
    if (model == ModelKind::shape) {
        workload.prompt_tokens = {kDefaultPromptTokens};
    }
    auto table = root.table("workload", "[workload]");
    if (!table) {
        return;
    }
    // Wrong numbers become values to which the other checks add no problem.
    read_keys(*table, kWorkloadKeys, workload);
    const std::size_t problems_before = table->problems().size();
    read_prompt_sources(*table, folder, scenario);
    read_prompt_tokens(*table, model, workload);
    std::optional<std::size_t> prompts;
    if (table->problems().size() == problems_before) {
        prompts = workload.distinct_prompts();
    }
    read_tokens(*table, prompts, workload);
    workload.arrivals = read_arrivals(*table, count_requests(*table, prompts, workload));
    check_sampling(*table, workload);
    table->explain_misplaced({"objective", "batch", "interval"}, "it belongs to [controller]");
    table->finish();
}

} // namespace headroom::config
