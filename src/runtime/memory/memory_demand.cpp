#include "runtime/memory/memory_demand.hpp"

namespace headroom::runtime {

MemoryDemand memory_demand(const scheduler::Problem& problem) {
    const scheduler::Blocks& blocks = *problem.blocks;
    const scheduler::Placement together(blocks.size(), problem.source);
    MemoryDemand demand;
    demand.buffers = problem.buffers;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        demand.weights += blocks.weight_bytes(BlockId(i), together);
        demand.caches += blocks.cache_row_bytes(BlockId(i), problem.memory_rows());
    }
    for (const scheduler::Snapshot::Device& device : problem.snapshot.devices) {
        demand.budget += std::max<Bytes>(0, device.memory - problem.buffers);
    }
    return demand;
}

bool exceeds_total_memory(const scheduler::Problem& problem) {
    return problem.cost_profile == scheduler::CostProfile::physical &&
           memory_demand(problem).lacking() > 0;
}

} // namespace headroom::runtime
