#include "runtime/memory/model_shape.hpp"

#include "base/error.hpp"

namespace headroom::runtime {

scheduler::ModelShape shape_of(const model::Hyperparameters& model) {
    scheduler::ModelShape shape;
    shape.layers = model.layers;
    shape.heads = model.heads;
    shape.kv_heads = model.kv_heads;
    shape.width = model.width;
    shape.ffn_width = model.ffn_width;
    shape.vocabulary = model.vocabulary;
    shape.context = model.context;
    for (const model::LayerWeightTypes& t : model.layer_types) {
        shape.layer_types.push_back({t.q, t.k, t.v, t.o, t.gate, t.up, t.down});
    }
    shape.embed_type = model.embed_type;
    shape.lm_head_type = model.lm_head_type;
    shape.tied = model.tied;
    return shape;
}

model::Slicing slicing_of(const scheduler::Cut& cut) {
    return {cut.sliced() ? cut.slices : 0};
}

void check_cut(const config::Scenario& scenario, const scheduler::ModelShape& shape) {
    const std::string problem = config::slices_problem(scenario.controller, shape);
    if (!problem.empty()) {
        throw InputError(problem);
    }
}

} // namespace headroom::runtime
