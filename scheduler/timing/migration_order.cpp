// A greedy algorithm: the next piece is of the move that is furthest behind among those whose
// target has room.
//
// Some unfinished move always has room if every piece ≤ staging. Proof: suppose none has. Then
// every device k that still receives has held(k) + piece > max(before, after) + staging, hence
// held(k) > after(k). But after(k) = held(k) + (bytes that k still receives) − (bytes that k still
// sends and frees), so k still frees more than it receives. Hence these devices together still free
// more bytes than they receive. But they receive all bytes that are left, and no more than these
// can be freed: a contradiction.
#include "scheduler/timing/migration_order.hpp"

#include <algorithm>
#include <numeric>
#include <set>

#include "base/check.hpp"
#include "base/int128.hpp"

namespace headroom::scheduler {
namespace {

/// The progress of an unfinished move. Moves are ordered by finished fraction, then by index.
struct MoveProgress {
    std::int32_t move = 0;
    std::int32_t next_piece = 0;
    Bytes done = 0;
    Bytes total = 0;

    bool operator<(const MoveProgress& other) const {
        const Int128 mine = Int128{done} * other.total;
        const Int128 theirs = Int128{other.done} * total;
        return mine != theirs ? mine < theirs : move < other.move;
    }
};

MoveProgress start_of(const PieceMove& move, std::size_t index) {
    const Bytes total = std::accumulate(move.pieces.begin(), move.pieces.end(), Bytes{0});
    // If all pieces are empty, a total of 1 avoids a fraction of 0/0.
    return {static_cast<std::int32_t>(index), 0, 0, std::max<Bytes>(total, 1)};
}

void check_moves(const std::vector<PieceMove>& moves, std::size_t devices, Bytes staging) {
    for (const PieceMove& move : moves) {
        HEADROOM_CHECK(
            move.from.valid() && move.from.index() < devices && move.to.valid() &&
                move.to.index() < devices && move.from != move.to,
            "a move from device {} to {} of {}",
            move.from.value,
            move.to.value,
            devices
        );
        for (const Bytes piece : move.pieces) {
            HEADROOM_CHECK(
                piece >= 0 && piece <= staging, "piece of {} B, staging {} B", piece, staging
            );
        }
    }
}

bool is_shared(const PieceMove& move, std::size_t piece) {
    return move.shares_with >= 0 && piece < static_cast<std::size_t>(move.shared_pieces);
}

/// Returns the most bytes that each device may hold meanwhile: max(before, after) + staging.
std::vector<Bytes> device_limits(
    const std::vector<PieceMove>& moves, const std::vector<Bytes>& held, Bytes staging
) {
    std::vector<Bytes> after = held;
    for (std::size_t m = 0; m < moves.size(); ++m) {
        const PieceMove& move = moves[m];
        for (std::size_t i = 0; i < move.pieces.size(); ++i) {
            // The source holds shared bytes once, so only the first of the two moves subtracts
            // them.
            const bool counted =
                is_shared(move, i) && static_cast<std::size_t>(move.shares_with) < m;
            after[move.to.index()] += move.pieces[i];
            after[move.from.index()] -= move.freed_at_source && !counted ? move.pieces[i] : 0;
        }
    }
    for (std::size_t d = 0; d < held.size(); ++d) {
        after[d] = std::max(after[d], held[d]) + staging;
    }
    return after;
}

} // namespace

std::vector<PieceStep> migration_order(
    const std::vector<PieceMove>& moves, const std::vector<Bytes>& held, Bytes staging
) {
    check_moves(moves, held.size(), staging);
    const std::vector<Bytes> limit = device_limits(moves, held, staging);
    std::vector<Bytes> now = held;
    std::set<MoveProgress> queue;
    for (std::size_t m = 0; m < moves.size(); ++m) {
        if (!moves[m].pieces.empty()) {
            queue.insert(start_of(moves[m], m));
        }
    }
    const auto next_piece = [&](const MoveProgress& p) {
        return moves[static_cast<std::size_t>(p.move)]
            .pieces[static_cast<std::size_t>(p.next_piece)];
    };
    std::vector<PieceStep> order;
    std::vector<std::int32_t> sent(moves.size(), 0);
    while (!queue.empty()) {
        const auto ready = std::find_if(queue.begin(), queue.end(), [&](const MoveProgress& p) {
            const std::size_t to = moves[static_cast<std::size_t>(p.move)].to.index();
            return now[to] + next_piece(p) <= limit[to];
        });
        HEADROOM_CHECK(ready != queue.end(), "{} moves, none has room", queue.size());
        MoveProgress progress = *ready;
        queue.erase(ready);
        const PieceMove& move = moves[static_cast<std::size_t>(progress.move)];
        const Bytes piece = next_piece(progress);
        order.push_back({progress.move, progress.next_piece});
        now[move.to.index()] += piece;
        const bool other_needs_it =
            is_shared(move, static_cast<std::size_t>(progress.next_piece)) &&
            sent[static_cast<std::size_t>(move.shares_with)] <= progress.next_piece;
        now[move.from.index()] -= move.freed_at_source && !other_needs_it ? piece : 0;
        ++sent[static_cast<std::size_t>(progress.move)];
        progress.done += piece;
        ++progress.next_piece;
        if (static_cast<std::size_t>(progress.next_piece) < move.pieces.size()) {
            queue.insert(progress);
        }
    }
    return order;
}

} // namespace headroom::scheduler
