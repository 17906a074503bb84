#include "model/oracle.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "model/weights.hpp"

namespace headroom::model {

namespace {

/// The rope table doubles when a text outgrows it: a long context costs only those who use it.

} // namespace

/// Working memory of one append.
struct Oracle::Buffers {
    Buffers(const Hyperparameters& model, std::int64_t n, std::int64_t context) {
        const auto floats = [](std::int64_t count) { return static_cast<std::size_t>(count); };
        for (auto* const buffer : {&x, &normed, &heads, &proj_input, &residual}) {
            buffer->resize(floats(n * model.width));
        }
        ffn_normed.resize(floats(n * model.width));
        gate.resize(floats(n * model.ffn_width));
        up.resize(floats(n * model.ffn_width));
        angles.resize(floats(n * model.head_width()));
        projected.resize(floats(n * (model.heads_per_group() + 2) * model.head_width()));
        scores.resize(floats(context));
    }
    std::vector<float> x, normed, heads, proj_input, residual;
    std::vector<float> ffn_normed, gate, up;
    std::vector<float> angles, projected, scores;
};

Oracle::Oracle(
    const GgufFile& file,
    const kernels::Kernels& kernels,
    std::pmr::memory_resource* resource,
    Bytes piece_bytes
)
    : model_(read_hyperparameters(file)), kernels_(&kernels), resource_(resource),
      embed_(model_, {BlockKind::embed}, piece_bytes, resource),
      lm_head_(model_, {BlockKind::lm_head}, piece_bytes, resource, !model_.tied),
      logits_(static_cast<std::size_t>(model_.vocabulary)) {
    load_block(file, model_, embed_);
    load_block(file, model_, lm_head_);
    for (std::int32_t l = 0; l < model_.layers; ++l) {
        Layer layer{
            .groups = {},
            .caches = {},
            .proj = Block(model_, {BlockKind::proj, l}, piece_bytes, resource),
            .ffn = Block(model_, {BlockKind::ffn, l}, piece_bytes, resource),
        };
        for (std::int32_t g = 0; g < model_.kv_heads; ++g) {
            layer.groups.emplace_back(
                model_, BlockName{BlockKind::group, l, g}, piece_bytes, resource
            );
            load_block(file, model_, layer.groups.back());
            layer.caches.emplace_back(model_.head_width(), resource);
        }
        load_block(file, model_, layer.proj);
        load_block(file, model_, layer.ffn);
        layers_.push_back(std::move(layer));
    }
}

void Oracle::run_layer(Layer& layer, std::int64_t n, Buffers& buffers) {
    const Context context{&model_, kernels_};
    const std::int64_t part = n * model_.heads_per_group() * model_.head_width();
    for (std::size_t g = 0; g < layer.groups.size(); ++g) {
        layer.caches[g].reserve(length_ + n);
        run_group(
            context,
            layer.groups[g],
            layer.caches[g],
            buffers.normed.data(),
            length_,
            n,
            {buffers.angles.data(), buffers.projected.data(), buffers.scores.data()},
            buffers.heads.data() + static_cast<std::int64_t>(g) * part
        );
    }
    run_proj(
        context,
        layer.proj,
        buffers.heads.data(),
        buffers.x.data(),
        n,
        buffers.proj_input.data(),
        buffers.residual.data()
    );
    run_ffn(
        context,
        layer.ffn,
        buffers.residual.data(),
        n,
        {buffers.ffn_normed.data(), buffers.gate.data(), buffers.up.data()},
        buffers.x.data(),
        buffers.normed.data()
    );
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
    Buffers buffers(model_, n, length_ + n);
    fill_rope_angles(model_, length_, n, buffers.angles.data());
    const Context context{&model_, kernels_};
    run_embed(context, embed_, ids, buffers.x.data(), buffers.normed.data());
    for (Layer& layer : layers_) {
        run_layer(layer, n, buffers);
    }
    run_lm_head(
        context,
        lm_head_,
        model_.tied ? embed_ : lm_head_,
        buffers.x.data() + (n - 1) * model_.width,
        buffers.normed.data(),
        logits_.data()
    );
    length_ += n;
    return logits_;
}

void Oracle::reset() {
    length_ = 0;
    for (Layer& layer : layers_) {
        for (GroupCache& cache : layer.caches) {
            cache = GroupCache(model_.head_width(), resource_);
        }
    }
}

} // namespace headroom::model
