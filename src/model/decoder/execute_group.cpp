// Attention: the functions of execute.hpp that compute groups.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "model/decoder/execute.hpp"
#include "model/decoder/execute_steps.hpp"

namespace headroom::model {

namespace {

std::int64_t rows_of(std::span<const SequenceRows> sequences) {
    std::int64_t n = 0;
    for (const SequenceRows& sequence : sequences) {
        n += sequence.n;
    }
    return n;
}

double sum_of_squares(const float* x, std::int64_t n) {
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i) {
        sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    }
    return sum;
}

/// x = x · factor · weight.
void scale(float factor, const float* weight, std::int64_t n, float* x) {
    for (std::int64_t i = 0; i < n; ++i) {
        x[i] = x[i] * factor * weight[i];
    }
}

/// Where the key and the value of a token are stored.
struct StoredRow {
    std::byte* key = nullptr;
    std::byte* value = nullptr;
};

/// The attention of one group.
class GroupAttention {
  public:
    GroupAttention(const ExecutionContext& context, const Block& group, const GroupScratch& scratch)
        : model_(*context.model), kernels_(*context.kernels), group_(group), scratch_(scratch),
          layer_(group.name().layer), d_(model_.head_width()), heads_(model_.heads_per_group()),
          window_(model_.window_of(layer_)) {
        const std::int64_t period = model_.features.no_rope_period;
        has_rope_ = period == 0 || (layer_ + 1) % period != 0;
        has_own_angles_ = model_.angle_width() > d_ && window_ > 0;
        const float own = model_.features.attention_scale;
        scale_ = own != 0 ? own : 1.0F / std::sqrt(static_cast<float>(d_));
    }

    /// Computes the rows of one sequence, which are those from `row` on of the call. The rows of a
    /// cache that keeps the last ones only stand in a buffer until all have been computed, because
    /// later ones would take the places of some that earlier ones attend to.
    void run(
        const SequenceRows& sequence, std::int64_t row, const InverseNorms* norms, const Rows& out
    ) const {
        GroupCache& cache = *sequence.cache;
        const std::int64_t bytes = cache.row_bytes();
        kernels::ChunkRows chunk{.first = sequence.first};
        std::byte* const keys = scratch_.chunk_rows;
        std::byte* const values = keys + (cache.ring() > 0 ? sequence.n * bytes : 0);
        if (cache.ring() > 0) {
            HEADROOM_CHECK(keys != nullptr, "{} without a buffer", to_string(group_.name()));
            chunk.keys = keys;
            chunk.values = values;
        }
        for (std::int64_t t = 0; t < sequence.n; ++t) {
            const std::int64_t position = sequence.first + t;
            prepare(row + t, norms);
            store(
                row + t,
                cache,
                cache.ring() > 0 ? StoredRow{keys + t * bytes, values + t * bytes}
                                 : StoredRow{cache.keys(position), cache.values(position)}
            );
            attend(row + t, position, cache, chunk, out.at(row + t));
        }
        if (cache.ring() > 0) {
            cache.keep(sequence.first, sequence.n, keys, values);
        }
    }

  private:
    /// Normalises and turns queries and key of one row.
    void prepare(std::int64_t row, const InverseNorms* norms) const {
        float* const queries = queries_of(row);
        float* const key = queries + heads_ * d_;
        normalise(queries, key, norms == nullptr ? nullptr : norms + row);
        if (has_rope_) {
            rotate(row, queries, key);
        }
    }

    void attend(
        std::int64_t row,
        std::int64_t position,
        const GroupCache& cache,
        const kernels::ChunkRows& chunk,
        float* out
    ) const {
        const std::int64_t rows = position + 1;
        kernels_.attention({
            .queries = queries_of(row),
            .pages = cache.page_table(),
            .type = cache.type(),
            .scores = scratch_.scores,
            .out = out,
            .heads = heads_,
            .head_width = d_,
            .context = rows,
            .first = window_ > 0 ? std::max<std::int64_t>(0, rows - window_) : 0,
            .scale = scale_ * temperature(position),
            .softcap = model_.features.attention_softcap,
            .ring = cache.ring(),
            .chunk = chunk,
        });
    }

    /// Stores the key of a row and the value behind it, d values each, in the type of the cache.
    void store(std::int64_t row, const GroupCache& cache, const StoredRow& to) const {
        const float* const key = queries_of(row) + heads_ * d_;
        if (const auto wrong = cache.store_at(key, key + d_, to.key, to.value)) {
            const std::string_view of = *wrong < d_ ? "key" : "value";
            throw CacheOverflow(
                row,
                fmt::format("{} at element {} of the {}", key[*wrong], *wrong % d_, of),
                fmt::format("{} of model {}", to_string(group_.name()), model_.name),
                cache.type()
            );
        }
    }

    [[nodiscard]] float* queries_of(std::int64_t row) const { return scratch_.projected.at(row); }

    void normalise(float* queries, float* key, const InverseNorms* norms) const {
        if (model_.qk_norm == QkNorm::none) {
            return;
        }
        const float* const q_weight = group_.norm(TensorRole::q_norm);
        const float* const k_weight = group_.norm(TensorRole::k_norm);
        if (model_.qk_norm == QkNorm::width) {
            scale(norms->queries, q_weight, heads_ * d_, queries);
            scale(norms->keys, k_weight, d_, key);
            return;
        }
        for (std::int64_t h = 0; h < heads_; ++h) {
            float* const head = queries + h * d_;
            kernels_.rms_norm(head, q_weight, model_.rms_epsilon, d_, head);
        }
        kernels_.rms_norm(key, k_weight, model_.rms_epsilon, d_, key);
    }

    void rotate(std::int64_t row, float* queries, float* key) const {
        const bool neighbours = model_.features.rope_pairs == RopePairs::neighbours;
        kernels::Rope* const turn = neighbours ? kernels_.rope : kernels_.rope_halves;
        const float* const cosines = scratch_.angles.at(row) + (has_own_angles_ ? d_ : 0);
        const float* const sines = cosines + d_ / 2;
        const std::int64_t rotated = rotated_width(model_);
        turn(queries, heads_, d_, rotated, cosines, sines);
        turn(key, 1, d_, rotated, cosines, sines);
    }

    [[nodiscard]] float temperature(std::int64_t position) const {
        const Features& features = model_.features;
        if (features.temperature_scale == 0) {
            return 1.0F;
        }
        const auto steps = static_cast<double>(position / features.temperature_context);
        return static_cast<float>(
            1 + features.temperature_scale * kernels::portable_log(1 + steps)
        );
    }

    const Hyperparameters& model_;
    const kernels::Kernels& kernels_;
    const Block& group_;
    const GroupScratch& scratch_;
    std::int32_t layer_;
    std::int64_t d_;
    std::int64_t heads_;
    std::int64_t window_;
    bool has_rope_ = true;
    bool has_own_angles_ = false; ///< whether the angles are those of layers with a window
    float scale_ = 0;
};

} // namespace

HeadSquares add_in_order(const HeadSquares* squares, std::int64_t stride, std::int32_t groups) {
    HeadSquares sums;
    for (std::int32_t g = 0; g < groups; ++g) {
        sums += squares[g * stride];
    }
    return sums;
}

InverseNorms inverse_norms(const Hyperparameters& model, const HeadSquares& sums) {
    const auto inverse = [&](double squares, std::int64_t heads) {
        const double mean = squares / static_cast<double>(heads * model.head_width());
        return static_cast<float>(1 / std::sqrt(mean + static_cast<double>(model.rms_epsilon)));
    };
    return {inverse(sums.queries, model.heads), inverse(sums.keys, model.kv_heads)};
}

void run_group_projections(
    const ExecutionContext& context,
    const Block& group,
    InputRows normed,
    std::int64_t n,
    Rows projected,
    HeadSquares* squares
) {
    const std::int64_t d = context.model->head_width();
    const std::int64_t queries = context.model->heads_per_group() * d;
    const kernels::Kernels& k = *context.kernels;
    const auto project = [&](TensorRole matrix, TensorRole bias, std::int64_t at, std::int64_t count
                         ) {
        float* const out = projected.data + at;
        group.multiply(k, matrix, normed.data, normed.stride, n, out, projected.stride);
        if (group.has(bias)) {
            for (std::int64_t t = 0; t < n; ++t) {
                k.add(projected.at(t) + at, group.norm(bias), count, projected.at(t) + at);
            }
        }
    };
    project(TensorRole::q, TensorRole::q_bias, 0, queries);
    project(TensorRole::k, TensorRole::k_bias, queries, d);
    project(TensorRole::v, TensorRole::v_bias, queries + d, d);
    for (std::int64_t t = 0; squares != nullptr && t < n; ++t) {
        squares[t] = {
            sum_of_squares(projected.at(t), queries), sum_of_squares(projected.at(t) + queries, d)};
    }
}

void run_group_rest(
    const ExecutionContext& context,
    const Block& group,
    std::span<const SequenceRows> sequences,
    const GroupScratch& scratch,
    Rows out,
    const InverseNorms* norms
) {
    HEADROOM_CHECK(
        (norms != nullptr) == (context.model->qk_norm == QkNorm::width),
        "{} with norms over all heads or without",
        to_string(group.name())
    );
    const GroupAttention attention(context, group, scratch);
    std::int64_t row = 0;
    for (const SequenceRows& sequence : sequences) {
        attention.run(sequence, row, norms, out);
        row += sequence.n;
    }
}

void run_group(
    const ExecutionContext& context,
    const Block& group,
    std::span<const SequenceRows> sequences,
    InputRows normed,
    const GroupScratch& scratch,
    Rows out
) {
    run_group_projections(context, group, normed, rows_of(sequences), scratch.projected);
    run_group_rest(context, group, sequences, scratch, out);
}

void run_group_partial(
    const ExecutionContext& context,
    const Block& group,
    std::span<const SequenceRows> sequences,
    InputRows normed,
    const GroupPartialScratch& scratch,
    Rows partial
) {
    const std::int64_t n = rows_of(sequences);
    run_group_projections(context, group, normed, n, scratch.group.projected);
    run_group_partial_rest(context, group, sequences, scratch, partial);
}

void run_group_partial_rest(
    const ExecutionContext& context,
    const Block& group,
    std::span<const SequenceRows> sequences,
    const GroupPartialScratch& scratch,
    Rows partial,
    const InverseNorms* norms
) {
    const Columns columns = columns_of(*context.model, group.name(), group.slicing());
    const std::int64_t stored = columns.stored;
    const Rows own{scratch.heads + columns.foreign_before(), stored};
    const std::int64_t n = rows_of(sequences);
    run_group_rest(context, group, sequences, scratch.group, own, norms);
    steps::clear_foreign(columns, n, scratch.heads);
    group.multiply(
        *context.kernels, TensorRole::o, scratch.heads, stored, n, partial.data, partial.stride
    );
}

} // namespace headroom::model
