#include "runtime/memory/paging.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"

namespace headroom::runtime {

Pager::PiecePosition Pager::next_piece(DeviceMemory& memory) {
    const BlockId held = memory.next_held(block_);
    if (held != block_) { // the device no longer holds the block
        block_ = held;
        piece_ = 0;
        offset_ = 0;
    }
    model::Block* block = &memory.block(block_);
    while (piece_ >= block->pieces() || offset_ >= block->piece_bytes(piece_)) {
        offset_ = 0;
        if (++piece_ >= block->pieces()) {
            piece_ = 0;
            block_ = memory.next_held(BlockId(block_.value + 1));
            block = &memory.block(block_);
        }
    }
    return {block, piece_};
}

void Pager::read(DeviceMemory& memory, Bytes bytes, std::string_view device_name) {
    Bytes done = 0;
    try {
        while (done < bytes) {
            const PiecePosition place = next_piece(memory);
            const Bytes left = place.block->piece_bytes(place.piece) - offset_;
            const Bytes now = std::min(left, bytes - done);
            memory.storage().read(*place.block, place.piece, offset_, now);
            offset_ += now;
            done += now;
        }
    } catch (const EnvironmentError& error) {
        throw EnvironmentError(fmt::format(
            "device {} ({}) cannot page: {}", memory.self().value, device_name, error.what()
        ));
    }
}

} // namespace headroom::runtime
