#include "runtime/setup/workload_description.hpp"

#include "model/decoder/weights.hpp"
#include "model/gguf/gguf.hpp"
#include "model/tokenizer/tokenizer.hpp"
#include "runtime/setup/prompts.hpp"
#include "runtime/setup/requests.hpp"

namespace headroom::runtime {

namespace {

WorkloadDescription of_file(const config::Scenario& scenario) {
    const model::GgufFile file(scenario.model_file);
    const model::Hyperparameters model = model::read_hyperparameters(file);
    WorkloadDescription workload{model.name, model, {}, {}};
    check_cut(scenario, workload.shape);
    workload.prompts =
        tokenised_prompts(scenario.workload, model::Tokenizer(file), workload.shape.context);
    return workload;
}

WorkloadDescription of_shape(const config::Scenario& scenario) {
    WorkloadDescription workload{scenario.model_name(), *scenario.shape, {}, {}};
    check_cut(scenario, workload.shape);
    const std::vector<std::int64_t>& lengths = scenario.workload.prompt_tokens;
    check_prompt_lengths(lengths, scenario.workload, workload.shape.context);
    for (const std::int64_t length : lengths) {
        workload.prompts.emplace_back(static_cast<std::size_t>(length), -1);
    }
    return workload;
}

} // namespace

WorkloadDescription describe_workload(const config::Scenario& scenario) {
    WorkloadDescription workload = scenario.shape ? of_shape(scenario) : of_file(scenario);
    check_sizes(scenario, workload.shape, workload.prompts);
    workload.turn_sizes = turn_sizes(scenario, workload.prompts);
    return workload;
}

} // namespace headroom::runtime
