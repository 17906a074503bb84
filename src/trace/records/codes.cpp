#include "trace/records/codes.hpp"

#include "base/block.hpp"
#include "base/weight_type.hpp"

namespace headroom::trace {

CodeNames standard_codes() {
    std::vector<std::string> kinds;
    for (const BlockKind kind :
         {BlockKind::embed,
          BlockKind::group,
          BlockKind::proj,
          BlockKind::ffn,
          BlockKind::lm_head,
          BlockKind::slice,
          BlockKind::hub}) {
        kinds.emplace_back(name_of(kind));
    }
    std::vector<std::string> types;
    for (const WeightType type : kWeightTypes) {
        types.emplace_back(name_of(type));
    }
    CodeNames codes{
        {"blocks.kind", kinds},
        {"intervals.reason", {"first", "kept", "moved", "infeasible", "resumed"}},
        {"events.kind",
         {"overload", "infeasible_decision", "interrupted", "scenario_event", "admission_waits"}},
    };
    for (const char* const column :
         {"model.embed_type",
          "model.lm_head_type",
          "layers.q",
          "layers.k",
          "layers.v",
          "layers.o",
          "layers.gate",
          "layers.up",
          "layers.down"}) {
        codes[column] = types;
    }
    return codes;
}

const std::vector<std::string>& completion_names() {
    static const std::vector<std::string> names{"running", "finished", "interrupted", "failed"};
    return names;
}

} // namespace headroom::trace
