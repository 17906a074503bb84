#include "model/decoder/oracle.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "model/decoder/weights.hpp"

namespace headroom::model {

/// Working memory of one call of append.
struct Oracle::Buffers {
    Buffers(
        const Hyperparameters& model, const Slicing& slicing, std::int64_t n, std::int64_t context
    ) {
        const auto floats = [](std::int64_t count) { return static_cast<std::size_t>(count); };
        for (auto* const buffer : {&x, &normed, &residual}) {
            buffer->resize(floats(n * model.width));
        }
        scratch.resize(floats(n * std::max(model.width, model.attention_width())));
        if (slicing.sliced()) {
            sums.resize(floats(n * model.width));
            heads.resize(floats(n * max_head_columns(model, slicing)));
            gate.resize(floats(n * max_hidden_columns(model, slicing)));
            up.resize(floats(n * (model.ffn_width / slicing.slices)));
        } else {
            heads.resize(floats(n * model.attention_width()));
            gate.resize(floats(n * model.ffn_width));
            up.resize(floats(n * model.ffn_width));
        }
        angles.resize(floats(n * model.angle_width()));
        scores.resize(floats(context));
        chunk_rows.resize(floats(2 * n * row_bytes(model.kv_type, model.head_width())));
        // Norms over all heads need the projections of all groups before the first one goes on.
        const bool all_groups = model.qk_norm == QkNorm::width;
        const std::int64_t at_once = all_groups ? model.kv_heads : 1;
        projected_stride = n * (model.heads_per_group() + 2) * model.head_width();
        projected.resize(floats(at_once * projected_stride));
        squares.resize(floats(all_groups ? n : 0));
        norms.resize(squares.size());
    }
    GroupScratch group_scratch(const Hyperparameters& model, std::size_t group) {
        const bool all_groups = !norms.empty();
        const std::int64_t at = all_groups ? static_cast<std::int64_t>(group) : 0;
        return {
            {angles.data(), model.angle_width()},
            {projected.data() + at * projected_stride,
             (model.heads_per_group() + 2) * model.head_width()},
            scores.data(),
            chunk_rows.data()};
    }

    std::vector<float> x, normed, heads, residual;
    std::vector<float> scratch; ///< scratch of proj and ffn; if sliced, the partial sum of a block
    std::vector<float> gate, up;
    std::vector<float> angles, projected, scores;
    std::vector<std::byte> chunk_rows;
    std::int64_t projected_stride = 0; ///< of one group
    std::vector<HeadSquares> squares;  ///< of one group; empty if heads are not normalised together
    std::vector<InverseNorms> norms;   ///< of n tokens, or empty
    std::vector<std::int64_t> sums;    ///< empty if not sliced
};

Oracle::Oracle(
    const GgufFile& file,
    const kernels::Kernels& kernels,
    const Slicing& slicing,
    std::pmr::memory_resource* resource,
    Bytes piece_bytes,
    WeightType kv_type
)
    : Oracle(
          file,
          with_cache_type(read_hyperparameters(file), kv_type),
          kernels,
          slicing,
          resource,
          piece_bytes
      ) {}

Oracle::Oracle(
    const GgufFile& file,
    Hyperparameters model,
    const kernels::Kernels& kernels,
    const Slicing& slicing,
    std::pmr::memory_resource* resource,
    Bytes piece_bytes
)
    : model_(std::move(model)), kernels_(&kernels), slicing_(slicing), resource_(resource),
      embed_(model_, {BlockKind::embed}, piece_bytes, resource),
      lm_head_(model_, {BlockKind::lm_head}, piece_bytes, resource, !model_.tied),
      logits_(static_cast<std::size_t>(model_.vocabulary)) {
    if (slicing.sliced() && model_.ffn_width % slicing.slices != 0) {
        throw InputError(fmt::format(
            "the FFN of model {} is {} wide and cannot be cut into {} equal slices; choose a "
            "number that divides it",
            model_.name,
            model_.ffn_width,
            slicing.slices
        ));
    }
    const WeightFile weights(file, model_);
    load_block(weights, embed_);
    load_block(weights, lm_head_);
    for (std::int32_t l = 0; l < model_.layers; ++l) {
        layers_.push_back(load_layer(weights, l, piece_bytes));
    }
}

Oracle::Layer Oracle::load_layer(const WeightFile& weights, std::int32_t number, Bytes piece_bytes)
    const {
    Layer layer;
    const auto load = [&](std::vector<Block>& blocks, BlockKind kind, std::int32_t n = -1) {
        blocks.emplace_back(
            model_, BlockName{kind, number, n}, piece_bytes, resource_, true, slicing_
        );
        load_block(weights, blocks.back());
    };
    for (std::int32_t g = 0; g < model_.kv_heads; ++g) {
        load(layer.groups, BlockKind::group, g);
        layer.caches.push_back(new_cache(number));
    }
    if (slicing_.sliced()) {
        for (std::int32_t s = 0; s < slicing_.slices; ++s) {
            load(layer.rest, BlockKind::slice, s);
        }
        load(layer.rest, BlockKind::hub);
    } else {
        load(layer.rest, BlockKind::proj);
        load(layer.rest, BlockKind::ffn);
    }
    return layer;
}

template <class Attend>
void Oracle::run_groups(Layer& layer, std::int64_t n, Buffers& buffers, const Attend& attend) {
    const ExecutionContext context{&model_, kernels_};
    const InputRows normed{buffers.normed.data(), model_.width};
    const bool all_groups = !buffers.norms.empty();
    std::vector<HeadSquares> sums(buffers.squares.size());
    for (std::size_t g = 0; all_groups && g < layer.groups.size(); ++g) {
        const Rows projected = buffers.group_scratch(model_, g).projected;
        run_group_projections(
            context, layer.groups[g], normed, n, projected, buffers.squares.data()
        );
        for (std::size_t t = 0; t < sums.size(); ++t) {
            sums[t] += buffers.squares[t];
        }
    }
    std::ranges::transform(sums, buffers.norms.begin(), [&](const HeadSquares& sum) {
        return inverse_norms(model_, sum);
    });
    for (std::size_t g = 0; g < layer.groups.size(); ++g) {
        const GroupScratch scratch = buffers.group_scratch(model_, g);
        if (!all_groups) {
            run_group_projections(context, layer.groups[g], normed, n, scratch.projected);
        }
        layer.caches[g].reserve(length_ + n);
        const SequenceRows rows{&layer.caches[g], length_, n};
        attend(g, rows, scratch, all_groups ? buffers.norms.data() : nullptr);
    }
}

void Oracle::run_layer(Layer& layer, std::int64_t n, Buffers& buffers) {
    const ExecutionContext context{&model_, kernels_};
    const std::int64_t width = model_.width;
    const std::int64_t part = model_.heads_per_group() * model_.head_width();
    run_groups(
        layer,
        n,
        buffers,
        [&](std::size_t g,
            const SequenceRows& rows,
            const GroupScratch& scratch,
            const InverseNorms* norms) {
            float* const out = buffers.heads.data() + static_cast<std::int64_t>(g) * n * part;
            run_group_rest(context, layer.groups[g], {&rows, 1}, scratch, {out, part}, norms);
        }
    );
    run_proj(
        context,
        layer.rest.front(),
        {buffers.heads.data(), part, n * part},
        {buffers.x.data(), width},
        n,
        buffers.scratch.data(),
        {buffers.residual.data(), width}
    );
    run_ffn(
        context,
        layer.rest.back(),
        {buffers.residual.data(), width},
        n,
        {buffers.scratch.data(), buffers.gate.data(), buffers.up.data()},
        {buffers.x.data(), width},
        {buffers.normed.data(), width}
    );
}

void Oracle::run_sliced_layer(Layer& layer, std::int64_t n, Buffers& buffers) {
    const ExecutionContext context{&model_, kernels_};
    const std::int64_t width = model_.width;
    float* const normed = buffers.normed.data();
    float* const partial = buffers.scratch.data();
    std::int64_t* const sums = buffers.sums.data();
    const Block& hub = layer.rest.back();
    std::fill(buffers.sums.begin(), buffers.sums.end(), 0);
    run_groups(
        layer,
        n,
        buffers,
        [&](std::size_t g,
            const SequenceRows& rows,
            const GroupScratch& scratch,
            const InverseNorms* norms) {
            const Block& group = layer.groups[g];
            run_group_partial_rest(
                context, group, {&rows, 1}, {scratch, buffers.heads.data()}, {partial, width}, norms
            );
            add_partial(context, group, partial, n, sums);
        }
    );
    float* const x = buffers.x.data();
    float* const residual = buffers.residual.data();
    run_hub(context, hub, HubStep::after_attention, x, sums, n, residual, normed);
    std::fill(buffers.sums.begin(), buffers.sums.end(), 0);
    const SliceScratch scratch{buffers.gate.data(), buffers.up.data()};
    for (std::size_t s = 0; s + 1 < layer.rest.size(); ++s) {
        const Block& slice = layer.rest[s];
        run_slice(context, slice, {normed, width}, n, scratch, {partial, width});
        add_partial(context, slice, partial, n, sums);
    }
    run_hub(context, hub, HubStep::after_ffn, residual, sums, n, x, normed);
}

std::span<const float> Oracle::append(std::span<const std::int32_t> ids) {
    const auto n = static_cast<std::int64_t>(ids.size());
    if (n < 1) {
        throw InputError("nothing to decode: a turn needs at least one token");
    }
    if (n > model_.context - length_) {
        throw InputError(fmt::format(
            "{} tokens after {} exceed the context of model {}, {} tokens",
            n,
            length_,
            model_.name,
            model_.context
        ));
    }
    for (const std::int32_t id : ids) {
        if (id < 0 || id >= model_.vocabulary) {
            throw InputError(fmt::format(
                "token id {} is not in the vocabulary of model {} (0 to {})",
                id,
                model_.name,
                model_.vocabulary - 1
            ));
        }
    }
    Buffers buffers(model_, slicing_, n, length_ + n);
    fill_rope_angles(model_, length_, n, buffers.angles.data());
    const ExecutionContext context{&model_, kernels_};
    run_embed(context, embed_, ids, buffers.x.data(), buffers.normed.data());
    for (Layer& layer : layers_) {
        if (slicing_.sliced()) {
            run_sliced_layer(layer, n, buffers);
        } else {
            run_layer(layer, n, buffers);
        }
    }
    run_lm_head(
        context,
        lm_head_,
        model_.tied ? embed_ : lm_head_,
        {buffers.x.data() + (n - 1) * model_.width, model_.width},
        1,
        {buffers.normed.data(), model_.width},
        logits_.data()
    );
    length_ += n;
    return logits_;
}

GroupCache Oracle::new_cache(std::int32_t layer) const {
    return {model_.head_width(), model_.kv_type, resource_, model_.window_of(layer)};
}

void Oracle::reset() {
    length_ = 0;
    for (Layer& layer : layers_) {
        for (std::size_t g = 0; g < layer.caches.size(); ++g) {
            layer.caches[g] = new_cache(layer.groups[g].name().layer);
        }
    }
}

} // namespace headroom::model
