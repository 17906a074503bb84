// The last token that a broken-off sequence had, sampled once more: turn.hpp, Recheck.
#include <fmt/format.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "runtime/device/turn.hpp"

namespace headroom::runtime {

using scheduler::OpCode;

namespace {

std::span<std::byte> row_bytes(float* first, std::int64_t width) {
    return std::as_writable_bytes(std::span(first, static_cast<std::size_t>(width)));
}

} // namespace

/// Beside last_x, on its way: the row that a recheck begins from. No clock knows of it.
void TurnRunner::hand_over_recheck(const Instruction& instruction) {
    const std::int64_t width = resident_->blocks().shape().width;
    const Turn& turn = now_->turn;
    if (instruction.code == OpCode::send) {
        HeldSend pending{std::make_unique<WireHeader>(), {}};
        pending.header->epoch = turn.epoch;
        pending.header->turn = turn.number;
        float* const row = resident_->workspace().data(Buffer::x) + turn.recheck.row * width;
        const std::vector<comm::ConstPart> outgoing{
            std::as_bytes(std::span(pending.header.get(), 1)), row_bytes(row, width)};
        pending.send =
            transport_->start_send(instruction.peer, comm::data_tag(turn.slot), outgoing);
        resident_->workspace().keep(Buffer::x, std::move(pending));
        return;
    }
    now_->recheck_row = turn.samples ? 1 : 0; // last_x comes into the first row
    WireHeader header;
    const std::vector<comm::Part> incoming{
        std::as_writable_bytes(std::span(&header, 1)),
        row_bytes(writable(Buffer::x) + now_->recheck_row * width, width)};
    transport_->receive(
        instruction.peer, comm::data_tag(turn.slot), incoming, waiting(instruction)
    );
    HEADROOM_CHECK(
        header.epoch == turn.epoch && header.turn == turn.number && header.bytes == 0,
        "device {} expected the recheck of turn {}, got {} B of turn {}",
        resident_->self().value,
        turn.number,
        header.bytes,
        header.turn
    );
}

void TurnRunner::recheck(BlockId b, const Turn& turn) {
    const scheduler::Blocks& blocks = resident_->blocks();
    const std::int64_t width = blocks.shape().width;
    select(turn);
    const Workspace& space = resident_->workspace();
    float* const normed = blocks.sliced() ? writable(Buffer::scratch) : space.data(Buffer::scratch);
    float* const logits = space.data(Buffer::logits);
    model::run_lm_head(
        *context_,
        resident_->block(b),
        resident_->head_matrix(),
        {space.data(Buffer::x) + now_->recheck_row * width, width},
        1,
        {normed, width},
        logits
    );
    const std::int64_t position = turn.first + turn.recheck.row + 1;
    const SampledToken found = chosen(
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
