#include "runtime/device/stagger.hpp"

namespace headroom::runtime {

scheduler::Stagger stagger(
    const config::Scenario& scenario,
    const scheduler::Blocks& blocks,
    const std::vector<scheduler::Program>& programs,
    const Installation& installation
) {
    const std::int64_t batch = installation.batch;
    const bool one_at_a_time = scenario.workload.slots() == 1;
    return scheduler::stagger_of(
        blocks,
        programs,
        one_at_a_time // then nothing is asked of it, and every device comes here
            ? scheduler::Snapshot()
            : scheduler::take_snapshot(scenario.fleet, installation.t_dec, installation.seen),
        scenario.fleet.source,
        (scenario.workload.slots() + batch - 1) / batch,
        one_at_a_time
    );
}

} // namespace headroom::runtime
