#include "runtime/offline/simulate.hpp"

#include "base/error.hpp"
#include "runtime/offline/simulation.hpp"

namespace headroom::runtime {

RunOutcome simulate(const RunOptions& options, int (*interrupted)()) {
    try {
        const WorkloadDescription workload = describe_workload(*options.scenario);
        ControllerContext context = context_of(options);
        context.attributes["execution"] = "simulated";
        context.attributes["clock"] = config::name_of(config::ClockMode::virtual_time);
        context.attributes["model"] = workload.name;
        Simulation simulation(workload, std::move(context), interrupted);
        return simulation.run(serving_settings(*options.scenario, workload.prompts, nullptr));
    } catch (const Error& error) {
        return outcome_of(error);
    }
}

} // namespace headroom::runtime
