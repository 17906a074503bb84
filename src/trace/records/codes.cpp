#include "trace/records/codes.hpp"

#include <fmt/format.h>

#include "base/block.hpp"
#include "base/model_shape.hpp"
#include "base/weight_type.hpp"
#include "trace/records/columns.hpp"

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
    const auto add_types = [&]<class Row>(const Row&) {
        for_each_column<Row>([&](const auto& column) {
            if (std::string_view(column.unit) == "code") {
                codes[fmt::format("{}.{}", Table<Row>::name, column.name)] = types;
            }
        });
    };
    add_types(ModelRow());
    add_types(LayerRow());
    codes["model.qk_norm"].assign(kQkNormNames.begin(), kQkNormNames.end());
    codes["model.norm_place"].assign(kNormPlaceNames.begin(), kNormPlaceNames.end());
    return codes;
}

const std::vector<std::string>& completion_names() {
    static const std::vector<std::string> names{"running", "finished", "interrupted", "failed"};
    return names;
}

} // namespace headroom::trace
