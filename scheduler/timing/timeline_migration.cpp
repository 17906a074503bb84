#include <algorithm>

#include "base/check.hpp"
#include "scheduler/timing/timeline.hpp"

namespace headroom::scheduler {

std::vector<Move> moves_between(
    const Blocks& blocks,
    const Placement& from,
    const Placement& to,
    std::int64_t rows,
    bool weights_everywhere
) {
    HEADROOM_CHECK(
        from.size() == blocks.size() && to.size() == blocks.size(),
        "placements of {} and {} blocks instead of {}",
        from.size(),
        to.size(),
        blocks.size()
    );
    std::vector<Move> moves;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (from[i] != to[i]) {
            const BlockId b(i);
            const Bytes weights = blocks.weight_bytes(b, to);
            const Bytes cache = blocks.cache_row_bytes(b, rows);
            moves.push_back(
                weights_everywhere ? Move{b, from[i], to[i], cache, weights}
                                   : Move{b, from[i], to[i], weights + cache, 0}
            );
        }
    }
    return moves;
}

Nanoseconds Timeline::migrate(
    const std::vector<Move>& moves,
    const Rates& rates,
    Nanoseconds t_switch,
    std::vector<MoveRecord>* log
) {
    if (moves.empty()) {
        return t_switch;
    }
    Nanoseconds resume = t_switch;
    for (Nanoseconds& clock : clocks_) {
        clock = std::max(clock, t_switch);
        resume = std::max(resume, clock);
    }
    std::vector<Nanoseconds> storage_free = clocks_;
    for (const Move& move : moves) {
        const MoveRecord record = execute_move(move, rates, storage_free[move.to.index()]);
        resume = std::max(resume, record.end);
        if (log != nullptr) {
            log->push_back(record);
        }
    }
    clocks_.assign(devices_, resume);
    return resume;
}

/// Computes the times of one move: of its message and of its load, if it has them.
MoveRecord Timeline::execute_move(const Move& move, const Rates& rates, Nanoseconds& storage_free) {
    MoveRecord record{move, clock(move.from), clock(move.from)};
    if (move.bytes > 0) {
        const Transmission sent = transmit(move.from, move.to, move.bytes, rates);
        record.start = sent.begin;
        record.end = arrival_after_ingress(move.to, sent, move.bytes, rates);
    }
    if (move.loaded > 0) {
        const Nanoseconds start = storage_free;
        storage_free = rates.storage(move.to, start, move.loaded);
        record.start = move.bytes > 0 ? std::min(record.start, start) : start;
        record.end = move.bytes > 0 ? std::max(record.end, storage_free) : storage_free;
    }
    return record;
}

Nanoseconds predict_migration(
    const Blocks& blocks,
    const Placement& from,
    const Placement& to,
    const Snapshot& snapshot,
    std::int64_t rows,
    bool weights_everywhere
) {
    Timeline timeline(blocks, snapshot.size());
    const std::vector<Move> moves = moves_between(blocks, from, to, rows, weights_everywhere);
    return timeline.migrate(moves, SnapshotRates(snapshot), 0);
}

} // namespace headroom::scheduler
