#include "runtime/memory/need.hpp"

namespace headroom::runtime {

Need need_of(const scheduler::Problem& question) {
    const scheduler::Blocks& blocks = *question.blocks;
    const scheduler::Placement together(blocks.size(), question.source);
    Need need;
    need.buffers = question.buffers;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        need.weights += blocks.weight_bytes(BlockId(i), together);
        need.caches += blocks.cache_bytes(BlockId(i), question.memory_context());
    }
    for (const scheduler::Snapshot::Device& device : question.snapshot.devices) {
        need.budget += std::max<Bytes>(0, device.memory - question.buffers);
    }
    return need;
}

bool is_out_of_reach(const scheduler::Problem& question) {
    return question.cost_profile == scheduler::CostProfile::physical &&
           need_of(question).lacking() > 0;
}

} // namespace headroom::runtime
