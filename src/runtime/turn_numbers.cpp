// The numbers of a turn: what each block computes, in this device's buffers. Who sends what to
// whom, and when, is turn.cpp.
#include <algorithm>

#include "base/check.hpp"
#include "base/checksum.hpp"
#include "base/random.hpp"
#include "kernels/exact_sum.hpp"
#include "runtime/turn.hpp"

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

void TurnRunner::execute(const Instruction& instruction) {
    const BlockId b = instruction.block;
    const scheduler::ModelShape& shape = resident_->blocks().shape();
    Workspace& space = resident_->workspace();
    const std::int64_t n = now_->turn.tokens;
    switch (resident_->blocks().name(b).kind) {
    case BlockKind::embed: {
        float* const x = writable(Buffer::x);
        model::run_embed(*context_, resident_->block(b), now_->ids, x, writable(Buffer::normed));
        break;
    }
    case BlockKind::group:
        execute_group(b);
        break;
    case BlockKind::slice:
        execute_slice(b);
        break;
    case BlockKind::hub:
        execute_hub(instruction);
        break;
    case BlockKind::proj:
        model::run_proj(
            *context_,
            resident_->block(b),
            space.data(Buffer::heads),
            space.data(Buffer::x),
            n,
            space.data(Buffer::scratch),
            writable(Buffer::residual)
        );
        break;
    case BlockKind::ffn: {
        float* const x = writable(Buffer::x);
        model::run_ffn(
            *context_,
            resident_->block(b),
            space.data(Buffer::residual),
            n,
            {space.data(Buffer::scratch), space.data(Buffer::gate), space.data(Buffer::up)},
            x,
            writable(Buffer::normed)
        );
        break;
    }
    case BlockKind::lm_head:
        model::run_lm_head(
            *context_,
            resident_->block(b),
            resident_->head_matrix(),
            space.data(Buffer::x) + now_->last_x_row * shape.width,
            writable(Buffer::scratch),
            space.data(Buffer::logits)
        );
        sample();
        break;
    }
}

void TurnRunner::execute_group(BlockId b) {
    const scheduler::Blocks& blocks = resident_->blocks();
    const scheduler::ModelShape& shape = blocks.shape();
    Workspace& space = resident_->workspace();
    const std::int64_t n = now_->turn.tokens;
    const model::Block& group = resident_->block(b);
    model::GroupCache& cache = resident_->cache(b, now_->turn.slot);
    const float* const normed = space.data(Buffer::normed);
    const model::GroupScratch scratch{
        angles(), space.data(Buffer::projected), space.data(Buffer::scores)};
    if (blocks.sliced()) {
        float* const partial = writable(Buffer::scratch);
        model::run_group_partial(
            *context_,
            group,
            cache,
            normed,
            now_->turn.first,
            n,
            {scratch, space.data(Buffer::heads)},
            partial
        );
        add_up(b, partial);
        return;
    }
    const std::int64_t out = n * shape.heads_per_group() * shape.head_width();
    float* const heads = writable(Buffer::heads) + blocks.name(b).group * out;
    model::run_group(*context_, group, cache, normed, now_->turn.first, n, scratch, heads);
}

void TurnRunner::execute_slice(BlockId b) {
    Workspace& space = resident_->workspace();
    float* const partial = writable(Buffer::scratch);
    model::run_slice(
        *context_,
        resident_->block(b),
        space.data(Buffer::normed),
        now_->turn.tokens,
        {space.data(Buffer::gate), space.data(Buffer::up)},
        partial
    );
    add_up(b, partial);
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
void TurnRunner::add_up(BlockId b, const float* partial) {
    model::add_partial(*context_, resident_->block(b), partial, now_->turn.tokens, sums());
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
}

/// A stage on a ring begins. Parts of x may still be on their way from the one before: x is only
/// read here, and by the time that this device finishes a part, its next one has sent on sums of
/// this stage, so it has taken all of the one before.
void TurnRunner::norm(const Instruction& instruction) {
    const std::int64_t width = resident_->blocks().shape().width;
    const float* const weight = resident_->workspace().data(Buffer::norms) +
                                (2 * instruction.layer + instruction.part) * width;
    const float* const x = resident_->workspace().data(Buffer::x);
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

void TurnRunner::sample() {
    const auto vocabulary = static_cast<std::size_t>(resident_->blocks().shape().vocabulary);
    const std::span<float> logits(resident_->workspace().data(Buffer::logits), vocabulary);
    if (settings_->on_logits) {
        settings_->on_logits(now_->turn.number, logits);
    }
    now_->sampled.logits_checksum = checksum(std::as_bytes(logits));
    // Counted, not drawn from a state: the number belongs to the token's place in its sequence.
    const std::uint64_t stream =
        stream_seed(settings_->seed, "sampling", static_cast<std::uint64_t>(now_->turn.sequence));
    const double unit = random_unit(stream, static_cast<std::uint64_t>(now_->turn.position()));
    now_->sampled.id = static_cast<std::int32_t>(
        kernels::sample(*context_->kernels, logits, settings_->sampling, unit)
    );
}

} // namespace headroom::runtime
