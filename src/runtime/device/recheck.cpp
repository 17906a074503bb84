// Samples the last recorded token of an unfinished sequence again (messages/recheck.hpp).
#include <fmt/format.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "runtime/device/turn.hpp"

namespace headroom::runtime {

using scheduler::OpCode;

/// Sends or receives the row of x that a recheck needs, beside last_x. It takes no virtual time.
void TurnRunner::transfer_recheck_row(const Instruction& instruction) {
    const std::int64_t width = memory_->blocks().shape().width;
    const Turn& turn = current_->turn;
    if (instruction.code == OpCode::send) {
        SendWithHeader pending{std::make_unique<WireHeader>(), {}};
        pending.header->epoch = turn.epoch;
        pending.header->turn = turn.number;
        float* const row = memory_->workspace().data(Buffer::x) + turn.recheck.row * width;
        const std::vector<comm::ConstPart> outgoing{
            std::as_bytes(std::span(pending.header.get(), 1)), float_bytes(row, width)};
        pending.send =
            transport_->start_send(instruction.peer, comm::data_tag(turn.slot), outgoing);
        memory_->workspace().hold_send(Buffer::x, std::move(pending));
        return;
    }
    current_->recheck_row = turn.samples ? 1 : 0; // last_x takes the first row
    WireHeader header;
    const std::vector<comm::Part> incoming{
        std::as_writable_bytes(std::span(&header, 1)),
        float_bytes(writable(Buffer::x) + current_->recheck_row * width, width)};
    transport_->receive(
        instruction.peer, comm::data_tag(turn.slot), incoming, wait_reason(instruction)
    );
    HEADROOM_CHECK(
        header.epoch == turn.epoch && header.turn == turn.number && header.bytes == 0,
        "device {} expected the recheck of turn {}, got {} B of turn {}",
        memory_->self().value,
        turn.number,
        header.bytes,
        header.turn
    );
}

void TurnRunner::recheck(BlockId b, const Turn& turn) {
    const scheduler::Blocks& blocks = memory_->blocks();
    const std::int64_t width = blocks.shape().width;
    select(turn);
    const Workspace& space = memory_->workspace();
    float* const normed = blocks.sliced() ? writable(Buffer::scratch) : space.data(Buffer::scratch);
    float* const logits = space.data(Buffer::logits);
    model::run_lm_head(
        *context_,
        memory_->block(b),
        memory_->lm_head_matrix(),
        {space.data(Buffer::x) + current_->recheck_row * width, width},
        1,
        {normed, width},
        logits
    );
    const std::int64_t position = turn.first + turn.recheck.row + 1;
    const SampledToken found = choose_token(
        {logits, static_cast<std::size_t>(blocks.shape().vocabulary)}, turn.sequence, position
    );
    if (found.id != turn.recheck.id || found.logits_checksum != turn.recheck.logits_checksum) {
        throw InputError(fmt::format(
            "the trace that the run goes on from is damaged: sequence {} has token {} at position "
            "{}, expected {}\n"
            "  tokens were changed in it, or what they were sampled from: kernels, or the "
            "scenario's seed and sampling keys; go on from a copy of the trace, or run the "
            "scenario again",
            turn.sequence,
            turn.recheck.id,
            position,
            found.id == turn.recheck.id
                ? "the recorded logits, but the tokens before it lead to others"
                : fmt::format("{}, which the tokens before it lead to", found.id)
        ));
    }
}

} // namespace headroom::runtime
