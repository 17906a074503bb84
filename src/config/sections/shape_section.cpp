#include "config/sections/shape_section.hpp"

#include <fmt/format.h>

#include "base/model_shape.hpp"

namespace headroom::config {

namespace {

// Limits far above any real model, so that products of these numbers still fit in 64 bits.
constexpr std::int64_t kMaxLayers = 1000;
constexpr std::int64_t kMaxHeads = 1024;
constexpr std::int64_t kMaxTokens = 16'777'216;
static_assert(kMaxLayers <= kMaxModelLayers && kMaxHeads <= kMaxModelHeads);
static_assert(kMaxTokens <= kMaxModelContext && kMaxTokens <= kMaxModelVocabulary);

std::int64_t required(TableReader& table, std::string_view key, std::int64_t high) {
    table.require(key, "give a whole number");
    return table.integer(key, 1, high).value_or(0);
}

/// Checks the relations between the dimensions. A dimension that is 0 is missing or invalid and has
/// been reported already.
void check_figures(TableReader& table, const ModelShape& shape, WeightType type) {
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
    must_divide("heads", shape.heads, "width", shape.width, "every head has the same width");
    if (table.find("kv_heads")) {
        must_divide(
            "kv_heads",
            shape.kv_heads,
            "heads",
            shape.heads,
            "every K/V head serves equally many heads"
        );
    }
    const std::int64_t block = format_of(type).elements;
    const auto why = fmt::format("{} stores so many elements together", name_of(type));
    must_divide("a quantisation block", block, "width", shape.width, why);
    must_divide("a quantisation block", block, "ffn_width", shape.ffn_width, why);
}

} // namespace

void set_types(ModelShape& shape, WeightType type) {
    shape.layer_types.assign(static_cast<std::size_t>(shape.layers), LayerTypes::all(type));
    shape.embed_type = shape.lm_head_type = type;
}

std::optional<WeightType> read_weight_type(TableReader& table) {
    const auto index = table.word("weight_type", kWeightTypeWords, {});
    return index ? std::optional(kWeightFormats.at(*index).type) : std::nullopt;
}

std::optional<ModelShape> read_shape(TableReader& parent) {
    auto table = parent.table("shape", "shape = { layers, heads, … }");
    if (!table) {
        return std::nullopt;
    }
    ModelShape shape;
    shape.layers = static_cast<std::int32_t>(required(*table, "layers", kMaxLayers));
    shape.heads = static_cast<std::int32_t>(required(*table, "heads", kMaxHeads));
    const auto kv_heads = table->integer("kv_heads", 1, kMaxHeads);
    shape.kv_heads = static_cast<std::int32_t>(kv_heads.value_or(shape.heads));
    shape.width = required(*table, "width", kMaxModelWidth);
    shape.ffn_width = required(*table, "ffn_width", kMaxModelFfnWidth);
    shape.gated = table->flag("gated").value_or(true);
    shape.vocabulary = required(*table, "vocab", kMaxTokens);
    shape.context = required(*table, "context", kMaxTokens);
    shape.tied = table->flag("tied").value_or(false);
    const WeightType type = read_weight_type(*table).value_or(kDefaultWeightType);
    check_figures(*table, shape, type);
    table->finish();
    set_types(shape, type);
    return shape;
}

std::string shape_text(const ModelShape& shape) {
    return fmt::format(
        "{{ layers = {}, heads = {}, kv_heads = {}, width = {}, ffn_width = {}, gated = {}, "
        "vocab = {}, context = {}, weight_type = \"{}\", tied = {} }}",
        shape.layers,
        shape.heads,
        shape.kv_heads,
        shape.width,
        shape.ffn_width,
        shape.gated,
        shape.vocabulary,
        shape.context,
        name_of(shape.embed_type),
        shape.tied
    );
}

} // namespace headroom::config
