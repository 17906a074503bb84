#include "runtime/device/phase_offsets.hpp"

namespace headroom::runtime {

scheduler::PhaseOffsets phase_offsets_for(
    const config::Scenario& scenario,
    const scheduler::Blocks& blocks,
    const std::vector<scheduler::Program>& programs,
    const Installation& installation
) {
    const std::int64_t batch = installation.batch;
    const bool one_at_a_time = scenario.workload.slots() == 1;
    return scheduler::phase_offsets(
        blocks,
        programs,
        one_at_a_time // if true, the offsets do not depend on rates
            ? scheduler::Snapshot()
            : scheduler::take_snapshot(
                  scenario.fleet, installation.t_dec, installation.tokens_seen
              ),
        scenario.fleet.source,
        (scenario.workload.slots() + batch - 1) / batch,
        one_at_a_time
    );
}

} // namespace headroom::runtime
