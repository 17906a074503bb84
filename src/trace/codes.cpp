#include "trace/codes.hpp"

#include "base/block.hpp"

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
    return {
        {"blocks.kind", kinds},
        {"intervals.reason", {"first", "kept", "moved", "infeasible"}},
        {"events.kind",
         {"overload", "infeasible_decision", "interrupted", "scenario_event", "admission_waits"}},
    };
}

const std::vector<std::string>& completion_names() {
    static const std::vector<std::string> names{"running", "finished", "interrupted", "failed"};
    return names;
}

} // namespace headroom::trace
