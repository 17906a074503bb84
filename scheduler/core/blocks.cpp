#include "scheduler/core/blocks.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/check.hpp"

namespace headroom::scheduler {

namespace {

/// Returns the bytes of the queries, keys and values of one group: (q + 2)·d rows of D columns.
Bytes group_matrices(const ModelShape& shape, const LayerTypes& types) {
    const std::int64_t d = shape.head_width();
    return shape.heads_per_group() * d * row_bytes(types.q, shape.width) +
           d * row_bytes(types.k, shape.width) + d * row_bytes(types.v, shape.width);
}

/// Returns the bytes of a group's biases, and of its weights for the norms of queries and keys: a
/// copy of both where each head is normalised by itself, its own part where all are together.
Bytes group_vectors(const ModelShape& shape) {
    const std::int64_t q = shape.heads_per_group();
    const std::int64_t biases = shape.qkv_bias ? q + 2 : 0;
    const std::int64_t norms = shape.qk_norm == QkNorm::none   ? 0
                               : shape.qk_norm == QkNorm::head ? 2
                                                               : q + 1;
    return kFloatBytes * shape.head_width() * (biases + (shape.norms ? norms : 0));
}

/// Returns the bytes of the quantisation blocks that have elements first … first+count−1 of a row.
Bytes covering_bytes(WeightType type, std::int64_t first, std::int64_t count) {
    const std::int64_t each = format_of(type).elements;
    const std::int64_t begin = first / each * each;
    const std::int64_t end = (first + count + each - 1) / each * each;
    return row_bytes(type, end - begin);
}

/// Returns the stored bytes of a group's columns of proj, in all D rows.
Bytes group_columns(const ModelShape& shape, const LayerTypes& types, std::int32_t group) {
    const std::int64_t columns = shape.heads_per_group() * shape.head_width();
    return shape.width * covering_bytes(types.o, group * columns, columns);
}

/// Returns the stored bytes of a slice: its rows of gate and up, and its columns of down. A whole
/// ffn is the only slice of one.
Bytes slice_matrices(
    const ModelShape& shape, const LayerTypes& types, std::int32_t slices, std::int32_t slice
) {
    const std::int64_t hidden = shape.ffn_width / slices;
    const Bytes gate = shape.gated ? hidden * row_bytes(types.gate, shape.width) : 0;
    return gate + hidden * row_bytes(types.up, shape.width) +
           shape.width * covering_bytes(types.down, slice * hidden, hidden);
}

/// Returns the bytes of the router, which scores the experts: one row of D columns for each.
Bytes router_bytes(const ModelShape& shape) {
    return kFloatBytes * shape.experts * shape.width;
}

/// Makes the work of an ffn that of one of its experts for each that a token uses, and adds that
/// with the router.
void spread_over_experts(const ModelShape& shape, std::vector<WeightWork>& ffn) {
    if (shape.experts == 0) {
        return;
    }
    for (WeightWork& matrix : ffn) {
        matrix.flops *= shape.experts_used;
        matrix.expert = std::exchange(matrix.touched, 0);
    }
    ffn.push_back({WeightType::f32, 2 * shape.experts * shape.width, router_bytes(shape)});
}

/// Returns the work with a matrix of `rows` rows of D columns.
WeightWork row_work(const ModelShape& shape, WeightType type, std::int64_t rows) {
    return {type, 2 * rows * shape.width, rows * row_bytes(type, shape.width)};
}

/// Returns the work with `count` columns of a matrix of D rows that is divided into `parts` ranges
/// of columns: the range that stores most of the quantisation blocks counts for all.
WeightWork column_work(
    const ModelShape& shape, WeightType type, std::int64_t count, std::int64_t parts
) {
    Bytes most = 0;
    for (std::int64_t part = 0; part < parts; ++part) {
        most = std::max(most, covering_bytes(type, part * count, count));
    }
    return {type, 2 * count * shape.width, shape.width * most};
}

/// Returns the sum of T for T = first+1 … first+n, each but at most `window` if that is not 0.
std::int64_t sum_of_contexts(std::int64_t window, std::int64_t first, std::int64_t n) {
    const std::int64_t within =
        window > 0 ? std::clamp<std::int64_t>(window - first, 0, n) : n; // those of T ≤ window
    return within * first + within * (within + 1) / 2 + (n - within) * window;
}

} // namespace

Blocks::Blocks(ModelShape shape, Cut cut) : shape_(std::move(shape)), cut_(cut) {
    std::vector<std::string> problems = shape_.problems();
    HEADROOM_CHECK(problems.empty(), "unusable shape: {}", problems.front());
    problems = cut_.problems(shape_);
    HEADROOM_CHECK(problems.empty(), "unusable cut: {}", problems.front());
    const Bytes norm = shape_.norms ? kFloatBytes * shape_.width : 0;
    // The block that computes x also applies the next attention norm: embed that of the first
    // layer, each ffn or hub that of the next layer. lm_head applies the final norm.
    if (shape_.has_ends) {
        const Bytes table = shape_.vocabulary * row_bytes(shape_.embed_type, shape_.width);
        add({BlockKind::embed, -1, -1}, table, shape_.norms_before() ? norm : 0);
        set_work(embed(), 1, {});
    }
    for (std::int32_t layer = 0; layer < shape_.layers; ++layer) {
        add_layer(layer, norm);
    }
    if (shape_.has_ends) {
        const Bytes table = shape_.vocabulary * row_bytes(shape_.lm_head_type, shape_.width);
        add({BlockKind::lm_head, -1, -1}, table, norm);
        set_work(lm_head(), 1, {row_work(shape_, shape_.lm_head_type, shape_.vocabulary)});
    }
}

void Blocks::add(BlockName name, Bytes matrix, Bytes norms) {
    names_.push_back(name);
    matrix_.push_back(matrix);
    touched_.push_back(matrix);
    norm_.push_back(norms);
}

void Blocks::add_layer(std::int32_t layer, Bytes norm) {
    const LayerTypes& types = shape_.layer_types[static_cast<std::size_t>(layer)];
    const std::int64_t before = shape_.norms_before() ? (layer == shape_.layers - 1 ? 1 : 2) : 0;
    const std::int64_t after = shape_.norms_after() ? 1 : 0; // of attention, and of the ffn
    for (std::int32_t group = 0; group < shape_.kv_heads; ++group) {
        const Bytes columns = sliced() ? group_columns(shape_, types, group) : 0;
        const Bytes own = group_matrices(shape_, types) + columns;
        add({BlockKind::group, layer, group}, own, group_vectors(shape_));
    }
    if (!sliced()) {
        const Bytes proj = shape_.width * row_bytes(types.o, shape_.attention_width());
        const Bytes expert = slice_matrices(shape_, types, 1, 0);
        const Bytes router = router_bytes(shape_);
        const Bytes ffn = std::max<std::int64_t>(1, shape_.experts) * expert + router;
        add({BlockKind::proj, layer, -1}, proj, after * norm);
        add({BlockKind::ffn, layer, -1}, ffn, (before + after) * norm);
        touched_.back() = shape_.experts > 0 ? router : ffn;
        set_layer_work(layer);
        return;
    }
    for (std::int32_t slice = 0; slice < slices(); ++slice) {
        add({BlockKind::slice, layer, slice}, slice_matrices(shape_, types, slices(), slice), 0);
    }
    add({BlockKind::hub, layer, -1}, 0, (before + 2 * after) * norm);
    equalise_touched(group(layer, 0), groups());
    equalise_touched(slice(layer, 0), slices());
    set_layer_work(layer);
}

void Blocks::set_layer_work(std::int32_t layer) {
    const LayerTypes& types = shape_.layer_types[static_cast<std::size_t>(layer)];
    const std::int64_t d = shape_.head_width();
    const std::int64_t q = shape_.heads_per_group();
    const std::vector<WeightWork> unit{
        row_work(shape_, types.q, q * d),
        row_work(shape_, types.k, d),
        row_work(shape_, types.v, d)};
    const std::int64_t parts = sliced() ? slices() : 1;
    std::vector<WeightWork> ffn_work{row_work(shape_, types.up, shape_.ffn_width / parts)};
    if (shape_.gated) {
        ffn_work.push_back(row_work(shape_, types.gate, shape_.ffn_width / parts));
    }
    ffn_work.push_back(column_work(shape_, types.down, shape_.ffn_width / parts, parts));
    spread_over_experts(shape_, ffn_work);
    if (!sliced()) {
        set_group_work(layer, unit, {});
        set_work(proj(layer), 1, {column_work(shape_, types.o, shape_.attention_width(), 1)});
        set_work(ffn(layer), 1, ffn_work);
        return;
    }
    set_group_work(layer, unit, {column_work(shape_, types.o, q * d, groups())});
    set_work(slice(layer, 0), slices(), ffn_work);
    set_work(hub(layer), 1, {});
}

/// Gives the groups of a layer the work with the matrices of both parts.
void Blocks::set_group_work(
    std::int32_t layer, const std::vector<WeightWork>& products, const std::vector<WeightWork>& rest
) {
    const BlockId first = group(layer, 0);
    std::vector<WeightWork> whole = products;
    whole.insert(whole.end(), rest.begin(), rest.end());
    set_work(first, groups(), whole);
    if (splits_groups()) {
        set_work(first, groups(), products, BlockPart::products);
        set_work(first, groups(), rest, BlockPart::rest);
    }
}

/// Gives `count` blocks from `first` on the work with these matrices, added up by type.
void Blocks::set_work(
    BlockId first, std::int32_t count, const std::vector<WeightWork>& matrices, BlockPart part
) {
    std::vector<WeightWork> sums;
    for (const WeightType type : kWeightTypes) {
        WeightWork sum{type};
        for (const WeightWork& matrix : matrices) {
            sum.flops += matrix.type == type ? matrix.flops : 0;
            sum.touched += matrix.type == type ? matrix.touched : 0;
            sum.expert += matrix.type == type ? matrix.expert : 0;
        }
        if (sum.flops > 0) {
            sums.push_back(sum);
        }
    }
    const auto same = std::search(work_.begin(), work_.end(), sums.begin(), sums.end());
    const WorkRange range{static_cast<std::size_t>(same - work_.begin()), sums.size()};
    if (same == work_.end()) {
        work_.insert(work_.end(), sums.begin(), sums.end());
    }
    std::vector<WorkRange>& ranges = work_ranges_[static_cast<std::size_t>(part)];
    ranges.resize(std::max(ranges.size(), first.index() + static_cast<std::size_t>(count)), range);
    std::fill_n(ranges.begin() + first.value, count, range);
}

/// Charges `count` blocks from `first` on for what the largest of them reads.
void Blocks::equalise_touched(BlockId first, std::int32_t count) {
    const auto begin = touched_.begin() + first.value;
    std::fill(begin, begin + count, *std::max_element(begin, begin + count));
}

BlockId Blocks::embed() const {
    HEADROOM_CHECK(shape_.has_ends, "a shape without ends has no embed");
    return BlockId(0);
}

BlockId Blocks::lm_head() const {
    HEADROOM_CHECK(shape_.has_ends, "a shape without ends has no lm_head");
    return BlockId(size() - 1);
}

BlockId Blocks::block_of_layer(std::int32_t layer, std::int32_t n) const {
    HEADROOM_CHECK(
        layer >= 0 && layer < shape_.layers && n >= 0 && n < blocks_per_layer(),
        "layer {} block {}",
        layer,
        n
    );
    return BlockId((shape_.has_ends ? 1 : 0) + layer * blocks_per_layer() + n);
}

BlockId Blocks::group(std::int32_t layer, std::int32_t group) const {
    HEADROOM_CHECK(group < groups(), "group {} of {}", group, groups());
    return block_of_layer(layer, group);
}

BlockId Blocks::proj(std::int32_t layer) const {
    HEADROOM_CHECK(!sliced(), "proj is cut");
    return block_of_layer(layer, groups());
}

BlockId Blocks::ffn(std::int32_t layer) const {
    HEADROOM_CHECK(!sliced(), "ffn is cut");
    return block_of_layer(layer, groups() + 1);
}

BlockId Blocks::slice(std::int32_t layer, std::int32_t slice) const {
    HEADROOM_CHECK(slice >= 0 && slice < slices(), "slice {} of {}", slice, slices());
    return block_of_layer(layer, groups() + slice);
}

BlockId Blocks::hub(std::int32_t layer) const {
    HEADROOM_CHECK(sliced(), "only a sliced layer has a hub");
    return block_of_layer(layer, groups() + slices());
}

Bytes Blocks::weight_bytes(BlockId b, const Placement& placement) const {
    const bool shared =
        shape_.tied && b == lm_head() && placement[b.index()] == placement[embed().index()];
    return (shared ? 0 : matrix_bytes(b)) + norm_bytes(b);
}

bool Blocks::alike(std::int32_t layer, std::int32_t other) const {
    const auto types = [&](std::int32_t l) -> const LayerTypes& {
        return shape_.layer_types[static_cast<std::size_t>(l)];
    };
    return types(layer) == types(other) && shape_.window_of(layer) == shape_.window_of(other);
}

CacheRows Blocks::kept_rows(std::int64_t tokens) const {
    return {tokens, shape_.window > 0 ? std::min(tokens, shape_.window - 1) : tokens};
}

CacheRows Blocks::kept_rows(std::span<const std::int64_t> sequences) const {
    CacheRows sum;
    for (const std::int64_t tokens : sequences) {
        sum += kept_rows(tokens);
    }
    return sum;
}

CacheRows Blocks::paged_rows(std::int64_t tokens) const {
    const auto pages = [](std::int64_t rows) { return (rows + kPageTokens - 1) / kPageTokens; };
    const std::int64_t all = pages(tokens);
    const std::int64_t windowed =
        shape_.window > 0 ? std::min(all, pages(shape_.window - 1) + 1) : all;
    return {all * kPageTokens, windowed * kPageTokens};
}

Bytes Blocks::cache_row_bytes(BlockId b, const CacheRows& rows) const {
    return name(b).kind == BlockKind::group ? 2 * (window(b) > 0 ? rows.windowed : rows.all) *
                                                  row_bytes(shape_.kv_type, shape_.head_width())
                                            : 0;
}

std::span<const BlockPart> Blocks::parts_of(BlockId b) const {
    static constexpr std::array kWhole{BlockPart::whole};
    static constexpr std::array kSplit{BlockPart::products, BlockPart::rest};
    if (splits_groups() && name(b).kind == BlockKind::group) {
        return kSplit;
    }
    return kWhole;
}

Flops Blocks::flops(BlockId b, std::int64_t first, std::int64_t n, BlockPart part) const {
    if (part == BlockPart::whole) {
        return whole_flops(b, first, n);
    }
    HEADROOM_CHECK(parts_of(b).size() > 1, "{} has no parts", to_string(name(b)));
    const Flops products =
        n * 2 * (shape_.heads_per_group() + 2) * shape_.head_width() * shape_.width;
    return part == BlockPart::products ? products : whole_flops(b, first, n) - products;
}

Flops Blocks::whole_flops(BlockId b, std::int64_t first, std::int64_t n) const {
    const std::int64_t width = shape_.width;
    switch (name(b).kind) {
    case BlockKind::embed:
    case BlockKind::hub:
        return 0;
    case BlockKind::group: {
        // The sum of 2·(q+2)·d·D + 4·q·T·d (if sliced, + 2·q·d·D) for T = first+1 … first+n, or for
        // the window where that is less.
        const std::int64_t q = shape_.heads_per_group();
        const std::int64_t d = shape_.head_width();
        const std::int64_t contexts = sum_of_contexts(window(b), first, n);
        const std::int64_t rows = q + 2 + (sliced() ? q : 0);
        return n * 2 * rows * d * width + 4 * q * d * contexts;
    }
    case BlockKind::proj:
        return n * 2 * width * shape_.attention_width();
    case BlockKind::ffn:
    case BlockKind::slice: {
        const std::int64_t hidden = shape_.ffn_width / std::max(1, slices());
        const std::int64_t experts = shape_.experts > 0 ? shape_.experts_used : 1;
        const std::int64_t each = experts * (shape_.gated ? 6 : 4) * hidden + 2 * shape_.experts;
        return n * width * each;
    }
    case BlockKind::lm_head:
        return 2 * shape_.vocabulary * width;
    }
    HEADROOM_CHECK(false, "block {}", b.value);
}

Bytes Blocks::touched_bytes(BlockId b, std::int64_t first, std::int64_t n, BlockPart part) const {
    const Bytes cache = part == BlockPart::products ? 0 : cache_touched_bytes(b, first, n);
    return touched_weights(b, n, part) + cache;
}

Bytes Blocks::cache_touched_bytes(BlockId b, std::int64_t first, std::int64_t n) const {
    CacheRows rows = kept_rows(first);
    rows += {n, n};
    return cache_row_bytes(b, rows);
}

Bytes Blocks::touched_weights(BlockId b, std::int64_t tokens, BlockPart part) const {
    if (name(b).kind == BlockKind::embed) {
        return 0;
    }
    Bytes bytes = touched_[b.index()];
    if (shape_.experts > 0) {
        for (const WeightWork& work : weights(b)) {
            bytes += shape_.experts_touched(tokens) * work.expert;
        }
    }
    if (part == BlockPart::whole) {
        return bytes;
    }
    HEADROOM_CHECK(parts_of(b).size() > 1, "{} has no parts", to_string(name(b)));
    const auto layer = static_cast<std::size_t>(name(b).layer);
    const Bytes products = group_matrices(shape_, shape_.layer_types[layer]);
    return part == BlockPart::products ? products : bytes - products;
}

void OperationCost::add(
    const Blocks& blocks, BlockId b, std::int64_t first, std::int64_t n, BlockPart part
) {
    const Bytes before = has_turns ? blocks.touched_weights(b, tokens, part) : 0;
    flops += blocks.flops(b, first, n, part);
    tokens += blocks.name(b).kind == BlockKind::lm_head ? 1 : n;
    touched += blocks.touched_weights(b, tokens, part) - before;
    touched += part == BlockPart::products ? 0 : blocks.cache_touched_bytes(b, first, n);
    has_turns = true;
    weights = blocks.weights(b, part);
    experts = blocks.shape().experts_touched(tokens);
}

WeightWork OperationCost::of(WeightType type) const {
    const auto found = std::ranges::find(weights, type, &WeightWork::type);
    return found == weights.end()
               ? WeightWork{type}
               : WeightWork{type, found->flops, found->touched + experts * found->expert};
}

void OperationCost::leave_out(WeightType type) {
    const WeightWork work = of(type);
    flops -= work.flops * tokens;
    touched -= work.touched;
}

namespace {

/// The rows of a matrix of each layer are divided into ranges of `width` columns. Returns the
/// stored columns of the range that stores most. A range can begin at any multiple of gcd(width, E)
/// within a quantisation block of E elements, and one of them begins at the worst, because a row
/// has whole quantisation blocks.
std::int64_t max_columns(
    const ModelShape& shape, WeightType LayerTypes::*matrix, std::int64_t width
) {
    std::int64_t largest = 0;
    for (const LayerTypes& types : shape.layer_types) {
        const std::int64_t each = format_of(types.*matrix).elements;
        const std::int64_t blocks = (width + each - std::gcd(width, each) + each - 1) / each;
        largest = std::max(largest, blocks * each);
    }
    return largest;
}

} // namespace

std::int64_t max_head_columns(const ModelShape& shape) {
    return max_columns(shape, &LayerTypes::o, shape.heads_per_group() * shape.head_width());
}

std::int64_t max_hidden_columns(const ModelShape& shape, const Cut& cut) {
    HEADROOM_CHECK(cut.sliced() && cut.slices > 0, "{} slices", cut.slices);
    return max_columns(shape, &LayerTypes::down, shape.ffn_width / cut.slices);
}

Bytes buffer_bytes(const ModelShape& shape, const TurnSizes& sizes, const Cut& cut) {
    const std::int64_t n = sizes.tokens;
    const std::int64_t rows = std::max(n, sizes.joined);
    const std::int64_t q = shape.heads_per_group();
    const std::int64_t d = shape.head_width();
    const std::int64_t products = (q + 2) * d; // of one group and token
    const std::int64_t angles = shape.angle_width();
    std::int64_t elements = shape.context + sizes.joined * shape.vocabulary;
    elements += shape.qk_norm == QkNorm::width
                    ? n * sizes.slots * shape.kv_heads * (products + 4) + 2 * rows
                    : rows * products;
    if (cut.sliced()) {
        elements += n * (sizes.slots * (6 * shape.width + angles) + 2 * shape.width);
        elements += rows * (shape.ffn_width / cut.slices);
        elements += rows * (max_hidden_columns(shape, cut) + max_head_columns(shape));
        elements += cut.reduce == Reduce::ring ? 2 * shape.layers * shape.width : 0;
    } else {
        const std::int64_t heads = shape.attention_width();
        elements += n * sizes.slots * (3 * shape.width + heads + angles);
        elements += rows * (std::max(shape.width, heads) + 2 * shape.ffn_width + shape.experts);
    }
    return kFloatBytes * elements + chunk_rows_bytes(shape, sizes) + staging_bytes(shape);
}

Bytes chunk_rows_bytes(const ModelShape& shape, const TurnSizes& sizes) {
    // If any layer has a window, then the first: a period ends with a layer that has none.
    return shape.window_of(0) > 0 ? 2 * sizes.tokens * row_bytes(shape.kv_type, shape.head_width())
                                  : 0;
}

Bytes staging_bytes(const ModelShape& shape) {
    constexpr Bytes kMinStaging = 65536;
    const bool floats = shape.norms || shape.experts > 0; // norms, and rows of routers
    Bytes longest = std::max(kMinStaging, floats ? kFloatBytes * shape.width : 0);
    for (const LayerTypes& types : shape.layer_types) {
        for (const WeightType type : {types.q, types.k, types.v, types.up}) {
            longest = std::max(longest, row_bytes(type, shape.width));
        }
        longest = std::max(longest, row_bytes(types.o, shape.attention_width()));
        if (shape.gated) {
            longest = std::max(longest, row_bytes(types.gate, shape.width));
        }
        longest = std::max(longest, row_bytes(types.down, shape.ffn_width));
    }
    if (shape.has_ends) {
        longest = std::max(longest, row_bytes(shape.embed_type, shape.width));
        longest = std::max(longest, row_bytes(shape.lm_head_type, shape.width));
    }
    return longest;
}

} // namespace headroom::scheduler
