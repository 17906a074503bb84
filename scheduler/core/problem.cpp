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

CacheRows Problem::memory_rows() const {
    if (caches) {
        return caches->held;
    }
    if (sequences.empty()) {
        return blocks->paged_rows(horizon());
    }
    CacheRows rows_of_all;
    for (const InFlight& sequence : sequences) {
        rows_of_all += blocks->paged_rows(sequence.context + interval);
    }
    return rows_of_all;
}

CacheRows Problem::moved_rows() const {
    if (caches) {
        return caches->moved;
    }
    if (sequences.empty()) {
        return blocks->kept_rows(rows);
    }
    CacheRows rows_of_all;
    for (const InFlight& sequence : sequences) {
        rows_of_all += blocks->kept_rows(sequence.rows);
    }
    return {rows, rows_of_all.windowed};
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
