#include "runtime/setup/workload_description.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "model/costs/cost_shape.hpp"
#include "model/decoder/weights.hpp"
#include "model/tokenizer/tokenizer.hpp"
#include "runtime/setup/prompts.hpp"
#include "runtime/setup/requests.hpp"

namespace headroom::runtime {

namespace {

/// Changes what the scenario says otherwise than the model file. Throws InputError if the model
/// cannot have such caches.
void use_keys_of(const config::Scenario& scenario, std::string_view name, ModelShape& shape) {
    shape.context = scenario.context > 0 ? scenario.context : shape.context;
    shape.kv_type = scenario.cache_type();
    if (const std::string problem = shape.cache_problem(); !problem.empty()) {
        throw InputError(fmt::format("model {}: {}", name, problem));
    }
}

/// Returns prompts of the given lengths with unknown tokens.
std::vector<std::vector<std::int32_t>> unknown_prompts(
    const config::WorkloadConfig& workload, std::int64_t context
) {
    check_prompt_lengths(workload.prompt_tokens, workload, context);
    std::vector<std::vector<std::int32_t>> prompts;
    for (const std::int64_t length : workload.prompt_tokens) {
        prompts.emplace_back(static_cast<std::size_t>(length), -1);
    }
    return prompts;
}

model::Tokenizer tokenizer_of(const model::GgufFile& file) {
    try {
        return model::Tokenizer(file);
    } catch (const InputError& error) {
        throw InputError(fmt::format(
            "{}; without it plan and simulate can only take the lengths of prompts: give "
            "workload.prompt_tokens instead of prompts",
            error.what()
        ));
    }
}

WorkloadDescription of_file(const config::Scenario& scenario) {
    const model::GgufFile file(scenario.model_file);
    const model::CostShape costs = model::cost_shape_of(file);
    WorkloadDescription workload{costs.name, costs.shape, {}, {}};
    use_keys_of(scenario, costs.name, workload.shape);
    check_cut(scenario, workload.shape);
    const std::int64_t context = workload.shape.context;
    workload.prompts = scenario.workload.prompt_tokens.empty()
                           ? tokenised_prompts(scenario.workload, tokenizer_of(file), context)
                           : unknown_prompts(scenario.workload, context);
    return workload;
}

WorkloadDescription of_shape(const config::Scenario& scenario) {
    WorkloadDescription workload{scenario.model_name(), *scenario.shape, {}, {}};
    check_cut(scenario, workload.shape);
    workload.prompts = unknown_prompts(scenario.workload, workload.shape.context);
    return workload;
}

} // namespace

model::Hyperparameters model_of(const config::Scenario& scenario, const model::GgufFile& file) {
    model::Hyperparameters model = model::read_hyperparameters(file);
    use_keys_of(scenario, model.name, model);
    return model;
}

std::vector<std::string> notes_on_costs(const config::Scenario& scenario) {
    return scenario.shape ? std::vector<std::string>()
                          : model::cost_shape_of(model::GgufFile(scenario.model_file)).notes;
}

WorkloadDescription describe_workload(const config::Scenario& scenario) {
    WorkloadDescription workload = scenario.shape ? of_shape(scenario) : of_file(scenario);
    check_sizes(scenario, workload.shape, workload.prompts);
    workload.turn_sizes = turn_sizes(scenario, workload.prompts);
    return workload;
}

} // namespace headroom::runtime
