// The numbers of a turn: what each block computes, in this device's buffers. Who sends what to
// whom, and when, is turn.cpp.
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

/// The turn's rope angles, made for the first group that asks.
const float* TurnRunner::angles() {
    float* const angles = resident_->workspace().data(Buffer::angles);
    if (!now_->has_angles) {
        model::fill_rope_angles(*context_->model, now_->turn.first, now_->turn.tokens, angles);
        now_->has_angles = true;
    }
    return angles;
}

/// Of the pass's first row; several turns' rows are a slot apart.
model::InputRows TurnRunner::input(Buffer buffer, std::int64_t width, Pass pass) {
    select(pass.front());
    const Workspace& space = resident_->workspace();
    return {space.data(buffer), pass.size() > 1 ? space.slot_stride(buffer) : width};
}

/// The same, of rows that may be overwritten.
model::Rows TurnRunner::output(Buffer buffer, std::int64_t width, Pass pass) {
    for (const Turn& turn : pass) {
        select(turn);
        (void)writable(buffer);
    }
    select(pass.front());
    Workspace& space = resident_->workspace();
    return {space.data(buffer), pass.size() > 1 ? space.slot_stride(buffer) : width};
}

void TurnRunner::execute(const Instruction& instruction, Pass pass) {
    const BlockId b = instruction.block;
    switch (resident_->blocks().name(b).kind) {
    case BlockKind::group:
        return execute_group(b, pass);
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
        break; // no matrix to share
    }
    for (const Turn& turn : pass) {
        select(turn);
        if (resident_->blocks().name(b).kind == BlockKind::embed) {
            execute_embed(b);
        } else {
            execute_hub(instruction);
        }
    }
}

void TurnRunner::execute_embed(BlockId b) {
    float* const x = writable(Buffer::x);
    model::run_embed(*context_, resident_->block(b), now_->ids, x, writable(Buffer::normed));
    expect_residual(b, {x, resident_->blocks().shape().width}, {&now_->turn, 1});
}

void TurnRunner::execute_group(BlockId b, Pass pass) {
    const scheduler::Blocks& blocks = resident_->blocks();
    const scheduler::ModelShape& shape = blocks.shape();
    const Workspace& space = resident_->workspace();
    sequences_.clear();
    for (const Turn& turn : pass) {
        select(turn);
        (void)angles();
        sequences_.push_back({&resident_->cache(b, turn.slot), turn.first, turn.tokens});
    }
    const model::Block& group = resident_->block(b);
    const model::InputRows normed = input(Buffer::normed, shape.width, pass);
    const model::GroupScratch scratch{
        input(Buffer::angles, shape.head_width(), pass),
        space.data(Buffer::projected),
        space.data(Buffer::scores)};
    if (blocks.sliced()) {
        const model::Rows partial = output(Buffer::scratch, shape.width, pass);
        model::run_group_partial(
            *context_, group, sequences_, normed, {scratch, space.data(Buffer::heads)}, partial
        );
        add_up(b, partial, pass);
        return;
    }
    const std::int64_t part = shape.heads_per_group() * shape.head_width();
    model::Rows heads = output(Buffer::heads, part, pass);
    heads.data += blocks.name(b).group * part * (pass.size() > 1 ? 1 : pass.front().tokens);
    model::run_group(*context_, group, sequences_, normed, scratch, heads);
    expect_finite(b, heads, part, pass);
}

void TurnRunner::execute_slice(BlockId b, Pass pass) {
    const std::int64_t width = resident_->blocks().shape().width;
    const Workspace& space = resident_->workspace();
    const model::Rows partial = output(Buffer::scratch, width, pass);
    model::run_slice(
        *context_,
        resident_->block(b),
        input(Buffer::normed, width, pass),
        rows_of(pass),
        {space.data(Buffer::gate), space.data(Buffer::up)},
        partial
    );
    add_up(b, partial, pass);
}

void TurnRunner::execute_proj(BlockId b, Pass pass) {
    const scheduler::ModelShape& shape = resident_->blocks().shape();
    const std::int64_t part = shape.heads_per_group() * shape.head_width();
    const model::Rows residual = output(Buffer::residual, shape.width, pass);
    const model::InputRows heads = input(Buffer::heads, part, pass);
    model::run_proj(
        *context_,
        resident_->block(b),
        {heads.data, heads.stride, pass.size() > 1 ? part : pass.front().tokens * part},
        input(Buffer::x, shape.width, pass),
        rows_of(pass),
        resident_->workspace().data(Buffer::scratch),
        residual
    );
    expect_residual(b, residual, pass);
}

void TurnRunner::execute_ffn(BlockId b, Pass pass) {
    const std::int64_t width = resident_->blocks().shape().width;
    const Workspace& space = resident_->workspace();
    const model::Rows x = output(Buffer::x, width, pass);
    const model::Rows normed = output(Buffer::normed, width, pass);
    model::run_ffn(
        *context_,
        resident_->block(b),
        input(Buffer::residual, width, pass),
        rows_of(pass),
        {space.data(Buffer::scratch), space.data(Buffer::gate), space.data(Buffer::up)},
        x,
        normed
    );
    expect_residual(b, x, pass);
}

/// One row per turn: that of its last token.
void TurnRunner::execute_lm_head(BlockId b, Pass pass) {
    const scheduler::Blocks& blocks = resident_->blocks();
    const std::int64_t width = blocks.shape().width;
    const Workspace& space = resident_->workspace();
    const model::Rows normed = blocks.sliced() ? output(Buffer::scratch, width, pass)
                                               : model::Rows{space.data(Buffer::scratch), width};
    model::InputRows x = input(Buffer::x, width, pass);
    x.data += now_->last_x_row * width;
    float* const logits = space.data(Buffer::logits);
    model::run_lm_head(
        *context_,
        resident_->block(b),
        resident_->head_matrix(),
        x,
        static_cast<std::int64_t>(pass.size()),
        normed,
        logits
    );
    const auto vocabulary = static_cast<std::size_t>(blocks.shape().vocabulary);
    for (std::size_t i = 0; i < pass.size(); ++i) {
        select(pass[i]);
        const std::span<const float> own(logits + i * vocabulary, vocabulary);
        if (const auto at = kernels::first_not_finite(own)) {
            const std::int64_t last = pass[i].tokens - 1;
            went_astray(b, pass[i], last, fmt::format("the logit {} of id {}", own[*at], *at));
        }
        sample({logits + i * vocabulary, vocabulary});
    }
}

/// This device's partial sums of the stage, zero before the first term.
std::int64_t* TurnRunner::sums() {
    if (!now_->sums_begun) {
        (void)writable(Buffer::sums);
        const std::int64_t count = now_->turn.tokens * resident_->blocks().shape().width;
        std::fill_n(resident_->workspace().fixed_point(Buffer::sums), count, 0);
        now_->sums_begun = true;
    }
    return resident_->workspace().fixed_point(Buffer::sums);
}

/// Also where a single block's partial is sent as it is: what fixed point cannot hold is found
/// here, with the block's name.
void TurnRunner::add_up(BlockId b, const model::Rows& partial, Pass pass) {
    expect_finite(b, partial, resident_->blocks().shape().width, pass);
    std::int64_t row = 0;
    for (const Turn& turn : pass) {
        select(turn);
        const float* const own = partial.at(row++);
        model::add_partial(*context_, resident_->block(b), own, turn.tokens, sums());
    }
}

void TurnRunner::execute_hub(const Instruction& instruction) {
    if (resident_->blocks().cut().reduce == scheduler::Reduce::ring) {
        return; // every device of the ring norms and finishes by itself
    }
    Workspace& space = resident_->workspace();
    const model::Block& hub = resident_->block(instruction.block);
    const bool after_ffn = instruction.part == 1;
    const model::Slot slot = after_ffn ? model::Slot::next_norm : model::Slot::ffn_norm;
    const float* const x = space.data(after_ffn ? Buffer::residual : Buffer::x);
    float* const y = writable(after_ffn ? Buffer::x : Buffer::residual);
    model::run_hub(
        *context_,
        hub.has(slot) ? hub.norm(slot) : nullptr,
        x,
        sums(),
        now_->turn.tokens,
        y,
        writable(Buffer::normed)
    );
    now_->sums_begun = false;
    expect_residual(instruction.block, {y, context_->model->width}, {&now_->turn, 1});
}

/// A stage on a ring begins. Parts of x may still be on their way from the one before: x is only
/// read here, and by the time that this device finishes a part, its next one has sent on sums of
/// this stage, so it has taken all of the one before.
void TurnRunner::norm(const Instruction& instruction) {
    const std::int64_t width = resident_->blocks().shape().width;
    const float* const weight = resident_->workspace().data(Buffer::norms) +
                                (2 * instruction.layer + instruction.part) * width;
    const float* const x = resident_->workspace().data(Buffer::x);
    expect_residual(resident_->blocks().hub(instruction.layer), {x, width}, {&now_->turn, 1});
    model::run_norm(*context_, weight, x, now_->turn.tokens, writable(Buffer::normed));
    now_->sums_begun = false;
    (void)sums();
}

/// The sums of a part of D are complete here.
void TurnRunner::finish(const Instruction& instruction) {
    const std::int64_t width = resident_->blocks().shape().width;
    const auto [first, count] = scheduler::ring_part(width, instruction.part, instruction.parts);
    float* const x = writable(Buffer::x);
    for (std::int64_t t = 0; t < now_->turn.tokens; ++t) {
        const std::int64_t at = t * width + first;
        model::finish_sums(*context_, sums() + at, count, x + at);
    }
}

/// A partial sum with one term travels as the floats that it is.
bool TurnRunner::has_one_term(const Instruction& partial) const {
    const std::int64_t width = resident_->blocks().shape().width;
    return partial.bytes_per_token == width * static_cast<Bytes>(sizeof(float));
}

/// A partial sum has come: into this device's own.
void TurnRunner::take_in(const Instruction& instruction) {
    const scheduler::Blocks& blocks = resident_->blocks();
    const std::int64_t width = blocks.shape().width;
    const std::int64_t n = now_->turn.tokens;
    const Workspace& space = resident_->workspace();
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

SampledToken TurnRunner::chosen(
    std::span<float> logits, std::int64_t sequence, std::int64_t position
) const {
    SampledToken token;
    token.logits_checksum = checksum(std::as_bytes(logits));
    // Counted, not drawn from a state: the number belongs to the token's place in its sequence.
    const std::uint64_t stream =
        stream_seed(settings_->seed, "sampling", static_cast<std::uint64_t>(sequence));
    const double unit = random_unit(stream, static_cast<std::uint64_t>(position));
    token.id = static_cast<std::int32_t>(
        kernels::sample(*context_->kernels, logits, settings_->sampling, unit)
    );
    return token;
}

void TurnRunner::sample(std::span<float> logits) {
    if (settings_->on_logits) {
        settings_->on_logits(now_->turn.number, logits);
    }
    now_->sampled = chosen(logits, now_->turn.sequence, now_->turn.position());
}

} // namespace headroom::runtime
