// The groups of TurnRunner: attention in this device's buffers, as one operation or in two parts
// (scheduler::BlockPart). The sums of squares that devices exchange between the parts are in
// Buffer::squares: those of all groups of a layer, group after group.
#include <algorithm>

#include "base/check.hpp"
#include "runtime/device/turn.hpp"

namespace headroom::runtime {

using scheduler::BlockPart;

/// The floats of a token's sums of squares in one group.
constexpr auto kSquares = static_cast<std::int64_t>(sizeof(model::HeadSquares) / sizeof(float));
static_assert(sizeof(model::HeadSquares) == scheduler::kNormSumBytes);
static_assert(sizeof(model::InverseNorms) == 2 * sizeof(float)); // scheduler::buffer_bytes

void TurnRunner::execute_group(const Instruction& instruction, Pass pass) {
    const BlockId b = instruction.block;
    if (instruction.work == BlockPart::products) {
        return execute_products(b, pass);
    }
    const scheduler::Blocks& blocks = memory_->blocks();
    const ModelShape& shape = blocks.shape();
    const model::Block& group = memory_->block(b);
    const model::GroupScratch scratch = group_scratch(b, pass);
    if (instruction.work == BlockPart::whole) {
        model::run_group_projections(
            *context_,
            group,
            input(Buffer::normed, shape.width, pass),
            rows_of(pass),
            scratch.projected
        );
    }
    const model::InverseNorms* const norms =
        instruction.work == BlockPart::rest ? norm_factors(pass) : nullptr;
    list_sequences(b, pass);
    if (blocks.sliced()) {
        const model::Rows partial = output(Buffer::scratch, shape.width, pass);
        float* const heads = memory_->workspace().data(Buffer::heads);
        model::run_group_partial_rest(
            *context_, group, sequences_, {scratch, heads}, partial, norms
        );
        add_to_sums(b, partial, pass);
        return;
    }
    const std::int64_t part = shape.heads_per_group() * shape.head_width();
    (void)output(Buffer::heads, part, pass);
    const model::Rows heads = group_rows(Buffer::heads, b, part, pass);
    model::run_group_rest(*context_, group, sequences_, scratch, heads, norms);
    expect_finite(b, heads, part, pass);
}

/// Computes the first part of a group: its products, and their sums of squares.
void TurnRunner::execute_products(BlockId b, Pass pass) {
    const ModelShape& shape = memory_->blocks().shape();
    (void)output(Buffer::squares, kSquares, pass); // sends of the layer before have been received
    // The rows of several turns lie in different slots, and each turn has one row.
    const bool several = pass.size() > 1;
    squares_.resize(several ? pass.size() : 0);
    select(pass.front());
    model::HeadSquares* const own = squares_of(memory_->blocks().name(b).group);
    model::run_group_projections(
        *context_,
        memory_->block(b),
        input(Buffer::normed, shape.width, pass),
        rows_of(pass),
        group_scratch(b, pass).projected,
        several ? squares_.data() : own
    );
    for (std::size_t i = 0; i < squares_.size(); ++i) {
        select(pass[i]);
        *squares_of(memory_->blocks().name(b).group) = squares_[i];
    }
}

/// Returns the sums of squares of a group's tokens in the selected turn.
model::HeadSquares* TurnRunner::squares_of(std::int32_t group) {
    auto* const all =
        reinterpret_cast<model::HeadSquares*>(memory_->workspace().data(Buffer::squares));
    return all + group * current_->turn.tokens;
}

/// Returns the factors that normalise the queries and keys of each row. The sums of the groups are
/// added in their order, whatever device they came from.
const model::InverseNorms* TurnRunner::norm_factors(Pass pass) {
    const std::int32_t groups = memory_->blocks().groups();
    auto* const factors =
        reinterpret_cast<model::InverseNorms*>(memory_->workspace().data(Buffer::factors));
    model::InverseNorms* next = factors;
    for (const Turn& turn : pass) {
        select(turn);
        for (std::int64_t t = 0; t < turn.tokens; ++t) {
            const model::HeadSquares sums =
                model::add_in_order(squares_of(0) + t, turn.tokens, groups);
            *next++ = model::inverse_norms(*context_->model, sums);
        }
    }
    return factors;
}

/// Sets sequences_ to the rows of each turn in the caches of a group.
void TurnRunner::list_sequences(BlockId b, Pass pass) {
    sequences_.clear();
    for (const Turn& turn : pass) {
        sequences_.push_back({&memory_->cache(b, turn.slot), turn.first, turn.tokens});
    }
}

/// Returns the rows of a group in a buffer that has those of all groups, group after group.
model::Rows TurnRunner::group_rows(Buffer buffer, BlockId b, std::int64_t width, Pass pass) {
    select(pass.front());
    const Workspace& space = memory_->workspace();
    const bool several = pass.size() > 1; // then each turn has one row
    const std::int64_t rows_before =
        memory_->blocks().name(b).group * (several ? 1 : pass.front().tokens);
    return {space.data(buffer) + rows_before * width, several ? space.slot_stride(buffer) : width};
}

model::GroupScratch TurnRunner::group_scratch(BlockId b, Pass pass) {
    const ModelShape& shape = memory_->blocks().shape();
    const std::int64_t products = (shape.heads_per_group() + 2) * shape.head_width();
    for (const Turn& turn : pass) {
        select(turn);
        (void)angles();
    }
    const Workspace& space = memory_->workspace();
    const model::Rows projected = memory_->blocks().splits_groups()
                                      ? group_rows(Buffer::projected, b, products, pass)
                                      : model::Rows{space.data(Buffer::projected), products};
    return {
        input(Buffer::angles, shape.angle_width(), pass),
        projected,
        space.data(Buffer::scores),
        space.bytes(Buffer::chunk_rows)};
}

/// Returns the parts of a message that has a vector for each of the sender's groups and tokens:
/// head outputs or sums of squares.
std::vector<std::span<std::byte>> TurnRunner::group_spans(
    const Instruction& instruction, DeviceId sender
) {
    const scheduler::Blocks& blocks = memory_->blocks();
    const ModelShape& shape = blocks.shape();
    const bool sums = instruction.payload == scheduler::Payload::norm_sums;
    const std::int64_t width = sums ? kSquares : shape.heads_per_group() * shape.head_width();
    float* const base = memory_->workspace().data(buffer_of(instruction));
    const std::int64_t floats = current_->turn.tokens * width;
    std::vector<std::span<std::byte>> groups;
    for (std::int32_t g = 0; g < blocks.groups(); ++g) {
        if (memory_->placement()[blocks.group(instruction.layer, g).index()] == sender) {
            groups.push_back(float_bytes(base + g * floats, floats));
        }
    }
    return groups;
}

} // namespace headroom::runtime
