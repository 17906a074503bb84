#include <algorithm>

#include "base/check.hpp"
#include "scheduler/timing/timeline.hpp"

namespace headroom::scheduler {

std::vector<Move> moves_between(
    const Blocks& blocks,
    const Placement& from,
    const Placement& to,
    const CacheRows& rows,
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

std::vector<MediaShares> shares_of(std::span<const Move> moves, const MediumOf& medium_of) {
    std::vector<MediaShares> shares(moves.size());
    if (medium_of.empty()) {
        return shares;
    }
    PhaseShares phase(medium_of);
    for (const Move& move : moves) {
        if (move.bytes > 0) {
            phase.add(move.from, move.to);
        }
    }
    for (std::size_t i = 0; i < moves.size(); ++i) {
        shares[i] = phase.of(moves[i].from, moves[i].to);
    }
    return shares;
}

MessageKey key_of(const Move& move, std::int64_t epoch) {
    return {.turn = epoch, .layer = move.block.value};
}

Nanoseconds Timeline::migrate(
    const std::vector<Move>& moves,
    const Rates& rates,
    Nanoseconds t_switch,
    std::vector<MoveRecord>* log,
    const MigrationFacts& facts
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
    const std::vector<MediaShares> shares = shares_of(moves, facts.medium_of);
    std::vector<Transmission> sent(moves.size());
    for (std::size_t i = 0; i < moves.size(); ++i) {
        const Move& move = moves[i];
        if (move.bytes > 0) {
            const MessageKey key = key_of(move, facts.epoch);
            sent[i] = transmit({move.from, move.to, move.bytes, shares[i], key}, rates);
        }
    }
    for (std::size_t i = 0; i < moves.size(); ++i) {
        Nanoseconds& free = storage_free[moves[i].to.index()];
        const MoveRecord record = complete_move(moves[i], sent[i], rates, free);
        resume = std::max(resume, record.end);
        if (log != nullptr) {
            log->push_back(record);
        }
    }
    clocks_.assign(devices_, resume);
    return resume;
}

/// Computes the times of one move: of its message, which has been sent, and of its load, if it has
/// them. The target handles its messages one after the other, each for its message overhead.
MoveRecord Timeline::complete_move(
    const Move& move, const Transmission& sent, const Rates& rates, Nanoseconds& storage_free
) {
    MoveRecord record{move, clock(move.from), clock(move.from)};
    if (move.bytes > 0) {
        record.start = sent.begin;
        record.end = arrival_after_ingress(move.to, sent, move.bytes, rates);
        if (const Nanoseconds overhead = rates.message_overhead(move.to); overhead > 0) {
            advance_clock(move.to, record.end);
            Nanoseconds& clock = clocks_[move.to.index()];
            clock = after(clock, overhead);
            record.end = clock;
        }
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
    const CacheRows& rows,
    bool weights_everywhere
) {
    Timeline timeline(blocks, snapshot.size());
    const std::vector<Move> moves = moves_between(blocks, from, to, rows, weights_everywhere);
    return timeline.migrate(moves, SnapshotRates(snapshot), 0, nullptr, {0, medium_of(snapshot)});
}

} // namespace headroom::scheduler
