#include "scheduler/core/problem.hpp"

#include <algorithm>

namespace headroom::scheduler {

PaperLength Problem::paper_cost_length() const {
    return {prompt, std::max<std::int64_t>(0, horizon() - prompt)};
}

PaperLength Problem::paper_migration_length() const {
    return {prompt, std::max<std::int64_t>(0, context - prompt)};
}

Bytes Problem::paper_moved_bytes(BlockId b) const {
    return scheduler::paper_moved_bytes(*blocks, b, paper_migration_length(), weights_everywhere);
}

std::int64_t Problem::memory_context() const {
    if (sequences.empty()) {
        return horizon();
    }
    std::int64_t rows_of_all = 0;
    for (const InFlight& sequence : sequences) {
        const std::int64_t pages = (sequence.context + interval + kPageTokens - 1) / kPageTokens;
        rows_of_all += pages * kPageTokens;
    }
    return rows_of_all;
}

std::int64_t Problem::prompt_spread_rounds() const {
    std::int64_t prompts = 0;
    std::int64_t tokens = 0;
    for (const InFlight& sequence : sequences) {
        if (sequence.prompt.remaining > 0) {
            ++prompts;
            tokens += sequence.prompt.max_new_tokens;
        }
    }
    return prompts == 0 ? 0 : std::max(interval, tokens / prompts);
}

Bytes actual_memory(const Problem& problem, DeviceId d) {
    const Bytes usable = problem.snapshot.devices[d.index()].memory;
    return problem.safe_memory.empty() ? usable : std::max(usable, problem.safe_memory[d.index()]);
}

} // namespace headroom::scheduler
