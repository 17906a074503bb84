#include "runtime/memory/paging.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"

namespace headroom::runtime {

Pager::Place Pager::next(Resident& resident) {
    const BlockId here = resident.held_from(block_);
    if (here != block_) { // the block has left
        block_ = here;
        piece_ = 0;
        first_ = 0;
    }
    model::Block* block = &resident.block(block_);
    while (piece_ >= block->pieces() || first_ >= block->piece_bytes(piece_)) {
        first_ = 0;
        if (++piece_ >= block->pieces()) {
            piece_ = 0;
            block_ = resident.held_from(BlockId(block_.value + 1));
            block = &resident.block(block_);
        }
    }
    return {block, piece_};
}

Bytes Pager::read(Resident& resident, Bytes bytes, std::string_view device_name) {
    Bytes done = 0;
    try {
        while (done < bytes) {
            const Place place = next(resident);
            const Bytes left = place.block->piece_bytes(place.piece) - first_;
            const Bytes got = resident.storage().read(
                *place.block, place.piece, first_, std::min(left, bytes - done)
            );
            first_ += got;
            done += got;
        }
    } catch (const EnvironmentError& error) {
        throw EnvironmentError(fmt::format(
            "device {} ({}) cannot page: {}", resident.self().value, device_name, error.what()
        ));
    }
    return done;
}

} // namespace headroom::runtime
