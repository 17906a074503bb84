// Checks of the placement that a scenario gives (policy `given`).
#include <algorithm>

#include <fmt/format.h>

#include "config/scenario/scenario.hpp"
#include "scheduler/core/blocks.hpp"

namespace headroom::config {

std::vector<std::string> given_problems(
    const ControllerConfig& controller, const ModelShape& shape, DeviceId source
) {
    if (controller.given.empty()) {
        return {};
    }
    const scheduler::Blocks blocks(shape, controller.cut(scheduler::PolicyKind::given));
    const bool ends_at_source = controller.ends == EndsMode::source;
    std::vector<std::string> problems =
        scheduler::place_given(controller.given, blocks, source, ends_at_source).problems;
    const std::string_view key = controller.given.layers.empty() ? "placement" : "layers";
    for (std::string& problem : problems) {
        problem = fmt::format("controller.{} {}", key, problem);
    }
    return problems;
}

std::string missing_given_problem(
    const ControllerConfig& controller, scheduler::PolicyKind policy
) {
    return policy != scheduler::PolicyKind::given || !controller.given.empty()
               ? ""
               : "needs a placement; give controller.placement = \"plan.json\" (what headroom plan "
                 "--policy P --json printed), or controller.layers = [12, 8, 2]: so many whole "
                 "layers on each device";
}

} // namespace headroom::config
