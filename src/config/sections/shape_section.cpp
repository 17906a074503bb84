#include "config/sections/shape_section.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/model_shape.hpp"
#include "config/sections/shape_types.hpp"

namespace headroom::config {

namespace {

// Limits far above any real model, so that products of these numbers still fit in 64 bits.
constexpr std::int64_t kMaxLayers = 1000;
constexpr std::int64_t kMaxHeads = 1024;
constexpr std::int64_t kMaxTokens = 16'777'216;
constexpr std::int64_t kMaxExperts = 4096;
static_assert(kMaxLayers <= kMaxModelLayers && kMaxHeads <= kMaxModelHeads);
static_assert(kMaxTokens <= kMaxModelContext && kMaxTokens <= kMaxModelVocabulary);

std::int64_t required(TableReader& table, std::string_view key, std::int64_t high) {
    table.require(key, "give a whole number");
    return table.integer(key, 1, high).value_or(0);
}

/// Reads the sizes of the ffn: `ffn_width`, or `experts` in its place.
void read_ffn(TableReader& table, ModelShape& shape) {
    auto experts = table.table("experts", "experts = { count, used, width }");
    if (!experts) {
        if (!table.find("experts")) {
            shape.ffn_width = required(table, "ffn_width", kMaxModelFfnWidth);
        }
        return;
    }
    if (const auto entry = table.find("ffn_width")) {
        const std::string_view text = "and experts exclude each other; experts.width is the FFN "
                                      "width of one expert";
        add_problem(*entry, text, table.problems());
    }
    shape.experts = required(*experts, "count", kMaxExperts);
    shape.experts_used = required(*experts, "used", kMaxExperts);
    shape.ffn_width = required(*experts, "width", kMaxModelFfnWidth);
    if (shape.experts > 0 && shape.experts_used > shape.experts) {
        const auto text =
            fmt::format("= {} are more than count = {}", shape.experts_used, shape.experts);
        add_problem(*experts->find("used"), text, table.problems());
    }
    experts->finish();
}

void read_window(TableReader& table, ModelShape& shape) {
    shape.window = table.integer("window", 1, kMaxTokens).value_or(0);
    shape.window_period = table.integer("window_period", 1, kMaxLayers).value_or(0);
    const auto period = table.find("window_period");
    if (period && !table.find("window")) {
        const std::string_view text = "goes with window: of so many layers the last has none";
        add_problem(*period, text, table.problems());
    }
}

/// Checks the relations between the dimensions. A dimension that is 0 is missing or invalid and has
/// been reported already.
void check_figures(TableReader& table, const ModelShape& shape, const WeightChoice& weights) {
    const auto must_divide = [&](std::string_view part,
                                 std::int64_t n,
                                 std::string_view key,
                                 std::int64_t whole,
                                 std::string_view why) {
        if (n > 0 && whole > 0 && whole % n != 0) {
            const auto text =
                fmt::format("= {} is not a multiple of {} = {}; {}", whole, part, n, why);
            add_problem(*table.find(key), text, table.problems());
        }
    };
    if (!table.find("head_width")) {
        must_divide(
            "heads",
            shape.heads,
            "width",
            shape.width,
            "every head has the same width, unless head_width gives another one"
        );
    }
    if (table.find("kv_heads")) {
        must_divide(
            "kv_heads",
            shape.kv_heads,
            "heads",
            shape.heads,
            "every K/V head serves equally many heads"
        );
    }
    if (!weights.mixture) {
        const std::int64_t block = format_of(weights.base).elements;
        const auto why = fmt::format("{} stores so many elements together", weights.name);
        must_divide("a quantisation block", block, "width", shape.width, why);
        if (shape.experts == 0) {
            must_divide("a quantisation block", block, "ffn_width", shape.ffn_width, why);
        }
    }
}

/// Adds what ModelShape finds wrong beyond the problems of single keys, once for all layers.
void check_whole(TableReader& table, const ModelShape& shape) {
    const std::vector<std::string> found = shape.problems();
    constexpr std::size_t kListed = 3;
    std::string text;
    for (std::size_t i = 0; i < std::min(found.size(), kListed); ++i) {
        text += (i == 0 ? "" : "; ") + found[i];
    }
    if (found.size() > kListed) {
        text += fmt::format("; and {} more of this kind", found.size() - kListed);
    }
    if (!text.empty()) {
        table.add_table_problem(fmt::format("{}: {}", table.path(), text));
    }
}

/// Returns the keys that most shapes do not have, as TOML, each followed by ", ".
std::string rare_keys_text(const ModelShape& shape) {
    std::string text;
    const auto add = [&](bool given, std::string_view key, const auto& value) {
        text += given ? fmt::format("{} = {}, ", key, value) : "";
    };
    add(shape.own_head_width > 0, "head_width", shape.own_head_width);
    add(shape.window > 0, "window", shape.window);
    add(shape.window_period > 0, "window_period", shape.window_period);
    add(shape.qkv_bias, "qkv_bias", true);
    const auto quoted = [](auto word) { return fmt::format("\"{}\"", name_of(word)); };
    add(shape.qk_norm != QkNorm::none, "qk_norm", quoted(shape.qk_norm));
    add(shape.norm_place != NormPlace::before, "norm_place", quoted(shape.norm_place));
    return text;
}

} // namespace

std::optional<ModelShape> read_shape(TableReader& parent) {
    auto table = parent.table("shape", "shape = { layers, heads, … }");
    if (!table) {
        return std::nullopt;
    }
    const std::size_t problems = table->problems().size();
    ModelShape shape;
    shape.layers = static_cast<std::int32_t>(required(*table, "layers", kMaxLayers));
    shape.heads = static_cast<std::int32_t>(required(*table, "heads", kMaxHeads));
    const auto kv_heads = table->integer("kv_heads", 1, kMaxHeads);
    shape.kv_heads = static_cast<std::int32_t>(kv_heads.value_or(shape.heads));
    shape.width = required(*table, "width", kMaxModelWidth);
    const std::int64_t head_width = table->integer("head_width", 1, kMaxModelWidth).value_or(0);
    shape.own_head_width = head_width * shape.heads == shape.width ? 0 : head_width;
    read_ffn(*table, shape);
    shape.gated = table->flag("gated").value_or(true);
    shape.vocabulary = required(*table, "vocab", kMaxTokens);
    shape.context = required(*table, "context", kMaxTokens);
    read_window(*table, shape);
    shape.qkv_bias = table->flag("qkv_bias").value_or(false);
    shape.qk_norm = table->choice<QkNorm>("qk_norm").value_or(QkNorm::none);
    shape.norm_place = table->choice<NormPlace>("norm_place").value_or(NormPlace::before);
    shape.tied = table->flag("tied").value_or(false);
    const WeightChoice& weights = read_shape_types(*table, shape);
    check_figures(*table, shape, weights);
    table->finish();
    if (table->problems().size() == problems) {
        check_whole(*table, shape);
    }
    return shape;
}

std::string shape_text(const ModelShape& shape) {
    const std::string ffn = shape.experts > 0
                                ? fmt::format(
                                      "experts = {{ count = {}, used = {}, width = {} }}",
                                      shape.experts,
                                      shape.experts_used,
                                      shape.ffn_width
                                  )
                                : fmt::format("ffn_width = {}", shape.ffn_width);
    return fmt::format(
        "{{ layers = {}, heads = {}, kv_heads = {}, width = {}, {}, gated = {}, "
        "vocab = {}, context = {}, {}{}tied = {} }}",
        shape.layers,
        shape.heads,
        shape.kv_heads,
        shape.width,
        ffn,
        shape.gated,
        shape.vocabulary,
        shape.context,
        rare_keys_text(shape),
        shape_types_text(shape),
        shape.tied
    );
}

} // namespace headroom::config
