// The arithmetic of TurnRunner: what each block computes in this device's buffers. Groups are
// in turn_groups.cpp, messages and times in turn.cpp.
#include <algorithm>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/checksum.hpp"
#include "base/random.hpp"
#include "kernels/exact_sum.hpp"
#include "kernels/finite.hpp"
#include "runtime/device/turn.hpp"

namespace headroom::runtime {

using scheduler::Payload;

/// Returns the turn's RoPE angles, which are computed at the turn's first call.
const float* TurnRunner::angles() {
    float* const angles = memory_->workspace().data(Buffer::angles);
    if (!current_->has_angles) {
        model::fill_rope_angles(
            *context_->model, current_->turn.first, current_->turn.tokens, angles
        );
        current_->has_angles = true;
    }
    return angles;
}

/// Returns the rows of a pass for reading. The rows of several turns lie in different slots.
model::InputRows TurnRunner::input(Buffer buffer, std::int64_t width, Pass pass) {
    select(pass.front());
    const Workspace& space = memory_->workspace();
    return {space.data(buffer), pass.size() > 1 ? space.slot_stride(buffer) : width};
}

/// Returns the rows of a pass for writing. Waits for sends that still read them.
model::Rows TurnRunner::output(Buffer buffer, std::int64_t width, Pass pass) {
    for (const Turn& turn : pass) {
        select(turn);
        (void)writable(buffer);
    }
    select(pass.front());
    Workspace& space = memory_->workspace();
    return {space.data(buffer), pass.size() > 1 ? space.slot_stride(buffer) : width};
}

void TurnRunner::execute(const Instruction& instruction, Pass pass) {
    const BlockId b = instruction.block;
    switch (memory_->blocks().name(b).kind) {
    case BlockKind::group:
        return execute_group(instruction, pass);
    case BlockKind::slice:
        return execute_slice(b, pass);
    case BlockKind::proj:
        return execute_proj(b, pass);
    case BlockKind::ffn:
        return execute_ffn(b, pass);
    case BlockKind::lm_head:
        return execute_lm_head(b, pass);
    case BlockKind::embed:
    case BlockKind::hub:
        break; // turns do not share a pass over weights here
    }
    for (const Turn& turn : pass) {
        select(turn);
        if (memory_->blocks().name(b).kind == BlockKind::embed) {
            execute_embed(b);
        } else {
            execute_hub(instruction);
        }
    }
}

void TurnRunner::execute_embed(BlockId b) {
    float* const x = writable(Buffer::x);
    model::run_embed(*context_, memory_->block(b), current_->ids, x, writable(Buffer::normed));
    expect_residual(b, {x, memory_->blocks().shape().width}, {&current_->turn, 1});
}

void TurnRunner::execute_slice(BlockId b, Pass pass) {
    const std::int64_t width = memory_->blocks().shape().width;
    const Workspace& space = memory_->workspace();
    const model::Rows partial = output(Buffer::scratch, width, pass);
    model::run_slice(
        *context_,
        memory_->block(b),
        input(Buffer::normed, width, pass),
        rows_of(pass),
        {space.data(Buffer::gate), space.data(Buffer::up)},
        partial
    );
    add_to_sums(b, partial, pass);
}

void TurnRunner::execute_proj(BlockId b, Pass pass) {
    const ModelShape& shape = memory_->blocks().shape();
    const std::int64_t part = shape.heads_per_group() * shape.head_width();
    const model::Rows residual = output(Buffer::residual, shape.width, pass);
    const model::InputRows heads = input(Buffer::heads, part, pass);
    model::run_proj(
        *context_,
        memory_->block(b),
        {heads.data, heads.stride, pass.size() > 1 ? part : pass.front().tokens * part},
        input(Buffer::x, shape.width, pass),
        rows_of(pass),
        memory_->workspace().data(Buffer::scratch),
        residual
    );
    expect_residual(b, residual, pass);
}

void TurnRunner::execute_ffn(BlockId b, Pass pass) {
    const std::int64_t width = memory_->blocks().shape().width;
    const Workspace& space = memory_->workspace();
    const model::Rows x = output(Buffer::x, width, pass);
    const model::Rows normed = output(Buffer::normed, width, pass);
    model::run_ffn(
        *context_,
        memory_->block(b),
        input(Buffer::residual, width, pass),
        rows_of(pass),
        {space.data(Buffer::scratch), space.data(Buffer::gate), space.data(Buffer::up)},
        x,
        normed
    );
    expect_residual(b, x, pass);
}

/// Computes logits and samples, for the last token of each turn.
void TurnRunner::execute_lm_head(BlockId b, Pass pass) {
    const scheduler::Blocks& blocks = memory_->blocks();
    const std::int64_t width = blocks.shape().width;
    const Workspace& space = memory_->workspace();
    const model::Rows normed = blocks.sliced() ? output(Buffer::scratch, width, pass)
                                               : model::Rows{space.data(Buffer::scratch), width};
    model::InputRows x = input(Buffer::x, width, pass);
    x.data += current_->last_x_row * width;
    float* const logits = space.data(Buffer::logits);
    model::run_lm_head(
        *context_,
        memory_->block(b),
        memory_->lm_head_matrix(),
        x,
        static_cast<std::int64_t>(pass.size()),
        normed,
        logits
    );
    const auto vocabulary = static_cast<std::size_t>(blocks.shape().vocabulary);
    for (std::size_t i = 0; i < pass.size(); ++i) {
        select(pass[i]);
        const std::span<float> own(logits + i * vocabulary, vocabulary);
        if (const auto at = kernels::first_not_finite(own)) {
            const std::int64_t last = pass[i].tokens - 1;
            throw_not_finite(b, pass[i], last, fmt::format("the logit {} of id {}", own[*at], *at));
        }
        if (settings_->on_logits) {
            settings_->on_logits(pass[i].number, own);
        }
        current_->sampled = choose_token(own, pass[i].sequence, pass[i].position());
    }
}

/// Returns this device's partial sums of the present reduction, set to 0 before the first term.
std::int64_t* TurnRunner::sums() {
    if (!current_->sums_begun) {
        (void)writable(Buffer::sums);
        const std::int64_t count = current_->turn.tokens * memory_->blocks().shape().width;
        std::fill_n(memory_->workspace().fixed_point(Buffer::sums), count, 0);
        current_->sums_begun = true;
    }
    return memory_->workspace().fixed_point(Buffer::sums);
}

/// Adds a block's partial sum to the device's sums. This is also done if the device has one block
/// and sends its partial sum unchanged, to find values that fixed point cannot hold.
void TurnRunner::add_to_sums(BlockId b, const model::Rows& partial, Pass pass) {
    expect_finite(b, partial, memory_->blocks().shape().width, pass);
    std::int64_t row = 0;
    for (const Turn& turn : pass) {
        select(turn);
        const float* const own = partial.at(row++);
        model::add_partial(*context_, memory_->block(b), own, turn.tokens, sums());
    }
}

void TurnRunner::execute_hub(const Instruction& instruction) {
    if (memory_->blocks().cut().reduce == scheduler::Reduce::ring) {
        return; // all devices of a ring execute norm() and finish() themselves
    }
    Workspace& space = memory_->workspace();
    const model::Block& hub = memory_->block(instruction.block);
    const bool after_ffn = instruction.part == 1;
    const float* const x = space.data(after_ffn ? Buffer::residual : Buffer::x);
    float* const y = writable(after_ffn ? Buffer::x : Buffer::residual);
    model::run_hub(
        *context_,
        hub,
        after_ffn ? model::HubStep::after_ffn : model::HubStep::after_attention,
        x,
        sums(),
        current_->turn.tokens,
        y,
        writable(Buffer::normed)
    );
    current_->sums_begun = false;
    expect_residual(instruction.block, {y, context_->model->width}, {&current_->turn, 1});
}

/// Begins a stage of a ring all-reduce. Sends of x of the previous stage may still be pending: x is
/// only read here. Before this device overwrites a part of x in finish(), the next device of the
/// ring has sent sums of this stage, so it has received all parts of the previous stage.
void TurnRunner::norm(const Instruction& instruction) {
    const std::int64_t width = memory_->blocks().shape().width;
    const float* const weight = memory_->workspace().data(Buffer::norms) +
                                (2 * instruction.layer + instruction.part) * width;
    const float* const x = memory_->workspace().data(Buffer::x);
    expect_residual(memory_->blocks().hub(instruction.layer), {x, width}, {&current_->turn, 1});
    model::run_norm(*context_, weight, x, current_->turn.tokens, writable(Buffer::normed));
    current_->sums_begun = false;
    (void)sums();
}

/// Adds the complete sums of a ring part to x.
void TurnRunner::finish(const Instruction& instruction) {
    const std::int64_t width = memory_->blocks().shape().width;
    const auto [first, count] = scheduler::ring_part(width, instruction.part, instruction.parts);
    float* const x = writable(Buffer::x);
    for (std::int64_t t = 0; t < current_->turn.tokens; ++t) {
        const std::int64_t at = t * width + first;
        model::add_rounded_sums(*context_, sums() + at, count, x + at);
    }
}

/// Returns whether a partial sum has one term. Such a sum is sent as floats.
bool TurnRunner::has_one_term(const Instruction& partial) const {
    const std::int64_t width = memory_->blocks().shape().width;
    return partial.bytes_per_token == width * static_cast<Bytes>(sizeof(float));
}

/// Adds a received partial sum to this device's own.
void TurnRunner::add_received(const Instruction& instruction) {
    const scheduler::Blocks& blocks = memory_->blocks();
    const std::int64_t width = blocks.shape().width;
    const std::int64_t n = current_->turn.tokens;
    const Workspace& space = memory_->workspace();
    if (instruction.payload == Payload::ring_sum) {
        const auto [first, count] =
            scheduler::ring_part(width, instruction.part, instruction.parts);
        for (std::int64_t t = 0; t < n; ++t) {
            const std::int64_t at = t * width + first;
            kernels::merge_exactly(space.fixed_point(Buffer::received) + at, count, sums() + at);
        }
    } else if (has_one_term(instruction)) {
        const bool of_group = instruction.payload == Payload::attention_partial;
        const std::int64_t terms = of_group ? blocks.groups() : blocks.slices();
        const auto wrong =
            kernels::add_exactly(space.data(Buffer::received), n * width, terms, sums());
        HEADROOM_CHECK(!wrong, "device {} sent what it refused", instruction.peer.value);
    } else {
        kernels::merge_exactly(space.fixed_point(Buffer::received), n * width, sums());
    }
}

SampledToken TurnRunner::choose_token(
    std::span<float> logits, std::int64_t sequence, std::int64_t position
) const {
    SampledToken token;
    token.logits_checksum = checksum(std::as_bytes(logits));
    // The random number depends only on seed, sequence and position, not on earlier draws.
    const std::uint64_t stream =
        stream_seed(settings_->seed, "sampling", static_cast<std::uint64_t>(sequence));
    const double unit = random_unit(stream, static_cast<std::uint64_t>(position));
    token.id = static_cast<std::int32_t>(
        kernels::sample(*context_->kernels, logits, settings_->sampling, unit)
    );
    return token;
}

} // namespace headroom::runtime
