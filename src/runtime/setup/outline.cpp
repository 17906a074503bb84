#include "runtime/setup/outline.hpp"

#include "model/decoder/weights.hpp"
#include "model/gguf/gguf.hpp"
#include "model/tokenizer/tokenizer.hpp"
#include "runtime/memory/model_shape.hpp"
#include "runtime/setup/prompts.hpp"
#include "runtime/setup/requests.hpp"

namespace headroom::runtime {

namespace {

Outline of_file(const config::Scenario& scenario) {
    const model::GgufFile file(scenario.model_file);
    const model::Hyperparameters model = model::read_hyperparameters(file);
    Outline outline{model.name, shape_of(model), {}, {}};
    check_cut(scenario, outline.shape);
    outline.prompts =
        tokenised_prompts(scenario.workload, model::Tokenizer(file), outline.shape.context);
    return outline;
}

Outline of_shape(const config::Scenario& scenario) {
    Outline outline{scenario.model_name(), *scenario.shape, {}, {}};
    check_cut(scenario, outline.shape);
    const std::vector<std::int64_t>& lengths = scenario.workload.prompt_tokens;
    check_prompt_lengths(lengths, scenario.workload, outline.shape.context);
    for (const std::int64_t length : lengths) {
        outline.prompts.emplace_back(static_cast<std::size_t>(length), -1);
    }
    return outline;
}

} // namespace

Outline outline_of(const config::Scenario& scenario) {
    Outline outline = scenario.shape ? of_shape(scenario) : of_file(scenario);
    check_sizes(scenario, outline.shape, outline.prompts);
    outline.turn_sizes = turn_sizes(scenario, outline.prompts);
    return outline;
}

} // namespace headroom::runtime
