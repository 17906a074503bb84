#include "model/costs/cost_shape.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"
#include "model/costs/standard_keys.hpp"
#include "model/costs/standard_tensors.hpp"
#include "model/decoder/weights.hpp"

namespace headroom::model {

namespace {

/// Returns a text of the metadata, or "" if the key is absent or has another type.
std::string_view text_of(const GgufFile& file, std::string_view key) {
    const GgufValue* const value = file.find(key);
    const auto* const text = value == nullptr ? nullptr : std::get_if<std::string_view>(value);
    return text == nullptr ? std::string_view() : *text;
}

/// Returns whether the file can be a language model at all. The decoder says of adapters,
/// projectors and importance matrices what they are, and more is not worth saying.
bool can_be_a_model(const GgufFile& file) {
    const std::string_view type = text_of(file, "general.type");
    const std::string_view architecture = text_of(file, "general.architecture");
    return (type.empty() || type == "model") && !architecture.empty() && architecture != "clip" &&
           file.find("adapter.type") == nullptr && file.find("imatrix.chunk_count") == nullptr &&
           file.tensor("token_embd.weight") != nullptr;
}

std::string name_of_model(const GgufFile& file) {
    const std::string_view name = text_of(file, "general.name");
    return name.empty() ? file.path().stem().string() : std::string(name);
}

/// Returns the problems without the name of the file in front of each.
std::string joined(const GgufFile& file, const std::vector<std::string>& problems) {
    const std::string prefix = file.path().string() + ": ";
    std::vector<std::string_view> texts;
    for (const std::string_view problem : problems) {
        texts.push_back(problem.substr(problem.starts_with(prefix) ? prefix.size() : 0));
    }
    return fmt::format("{}", fmt::join(texts, "; "));
}

[[noreturn]] void refuse(
    std::vector<std::string> problems, const std::vector<std::string>& of_costs
) {
    for (const std::string& problem : of_costs) {
        if (std::ranges::find(problems, problem) == problems.end()) {
            problems.push_back(problem);
        }
    }
    throw InputError(std::move(problems));
}

} // namespace

CostShape cost_shape_of(const GgufFile& file) {
    ModelReport report = report_on(file);
    CostShape costs{name_of_model(file), report.model, {}};
    if (report.problems.empty()) {
        costs.name = report.model.name;
        return costs;
    }
    if (!can_be_a_model(file)) {
        refuse(std::move(report.problems), {});
    }
    std::vector<std::string> problems;
    costs.shape = {};
    read_standard_keys(file, costs.shape, problems, costs.notes);
    if (problems.empty()) {
        read_standard_tensors(file, costs.shape, problems, costs.notes);
    }
    if (problems.empty()) {
        for (const std::string& problem : costs.shape.problems()) {
            problems.push_back(fmt::format("{}: {}", file.path().string(), problem));
        }
    }
    if (!problems.empty()) {
        refuse(std::move(report.problems), problems);
    }
    costs.notes.insert(
        costs.notes.begin(),
        fmt::format(
            "{}: plan and simulate know what the model costs, but headroom run cannot run it: {}",
            file.path().string(),
            joined(file, report.problems)
        )
    );
    return costs;
}

} // namespace headroom::model
