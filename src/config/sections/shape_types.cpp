#include "config/sections/shape_types.hpp"

#include <algorithm>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/scenario/scenario.hpp"

namespace headroom::config {

namespace {

const WeightChoice& default_choice() {
    const auto choices = weight_choices();
    return *std::ranges::find(choices, kDefaultWeightType, &WeightChoice::base);
}

/// Reads the name of a type.
std::optional<WeightType> read_type(TableReader& table, const TomlEntry& entry) {
    const auto name = entry.node->value<std::string_view>();
    const auto found = std::ranges::find_if(kWeightFormats, [&](const WeightFormat& format) {
        return format.name == name;
    });
    if (found != kWeightFormats.end()) {
        return found->type;
    }
    std::vector<std::string> names;
    for (const WeightFormat& format : kWeightFormats) {
        names.emplace_back(format.name);
    }
    table.report_invalid_choice(entry, names, {});
    return std::nullopt;
}

/// Reads the types of one matrix in every layer: one name for all, or a list of one per layer.
void read_layers(
    TableReader& table, std::string_view key, WeightType LayerTypes::*matrix, ModelShape& shape
) {
    const auto entry = table.find(key);
    if (!entry) {
        return;
    }
    if (!entry->node->is_array()) {
        if (const auto type = read_type(table, *entry)) {
            for (LayerTypes& types : shape.layer_types) {
                types.*matrix = *type;
            }
        }
        return;
    }
    const std::vector<TomlEntry> elements = elements_of(*entry);
    if (shape.layers > 0 && elements.size() != shape.layer_types.size()) {
        const auto text = fmt::format(
            "lists {} types, but there are {} layers; give one for each, or one name for all",
            elements.size(),
            shape.layers
        );
        add_problem(*entry, text, table.problems());
    }
    for (std::size_t i = 0; i < elements.size(); ++i) {
        const auto type = read_type(table, elements[i]);
        if (type && i < shape.layer_types.size()) {
            shape.layer_types[i].*matrix = *type;
        }
    }
}

void read_types(TableReader& parent, ModelShape& shape) {
    auto table = parent.table("types", "types = { v = \"q6_k\", … }");
    if (!table) {
        return;
    }
    const auto read = [&](const auto& field) {
        read_layers(*table, field.name, field.member, shape);
    };
    std::apply([&](const auto&... fields) { (read(fields), ...); }, kLayerTypeFields);
    if (const auto entry = table->find("embed")) {
        shape.embed_type = read_type(*table, *entry).value_or(shape.embed_type);
        shape.lm_head_type = shape.tied ? shape.embed_type : shape.lm_head_type;
    }
    if (const auto entry = table->find("lm_head")) {
        const auto type = read_type(*table, *entry);
        if (type && shape.tied && *type != shape.embed_type) {
            const auto text = fmt::format(
                "= \"{}\" is not the type of embed, \"{}\", whose matrix it uses (tied = true)",
                name_of(*type),
                name_of(shape.embed_type)
            );
            add_problem(*entry, text, table->problems());
        } else {
            shape.lm_head_type = type.value_or(shape.lm_head_type);
        }
    }
    table->finish();
}

/// Returns the types of one matrix as the value of its key in `types`; "" if all are `base`.
std::string layers_text(const ModelShape& shape, WeightType LayerTypes::*matrix, WeightType base) {
    std::vector<std::string> names;
    for (const LayerTypes& types : shape.layer_types) {
        names.push_back(fmt::format("\"{}\"", name_of(types.*matrix)));
    }
    if (!std::ranges::all_of(names, [&](const std::string& name) { return name == names[0]; })) {
        return fmt::format("[{}]", fmt::join(names, ", "));
    }
    return names[0] == fmt::format("\"{}\"", name_of(base)) ? "" : names[0];
}

/// Returns the key `types` for a shape of which most matrices may be of type `base`.
std::string types_text(const ModelShape& shape, WeightType base) {
    std::vector<std::string> keys;
    const auto add = [&](std::string_view key, const std::string& value) {
        if (!value.empty()) {
            keys.push_back(fmt::format("{} = {}", key, value));
        }
    };
    const auto add_layers = [&](const auto& field) {
        add(field.name, layers_text(shape, field.member, base));
    };
    std::apply([&](const auto&... fields) { (add_layers(fields), ...); }, kLayerTypeFields);
    const auto add_end = [&](std::string_view key, WeightType type) {
        add(key, type == base ? "" : fmt::format("\"{}\"", name_of(type)));
    };
    add_end("embed", shape.embed_type);
    add_end("lm_head", shape.lm_head_type);
    return fmt::format("types = {{ {} }}, ", fmt::join(keys, ", "));
}

} // namespace

const WeightChoice* read_weight_choice(TableReader& table) {
    const auto index = table.word("weight_type", weight_choice_names(), {});
    return index ? &weight_choices()[*index] : nullptr;
}

const WeightChoice& read_shape_types(TableReader& table, ModelShape& shape) {
    const WeightChoice* const choice = read_weight_choice(table);
    const WeightChoice& weights = choice == nullptr ? default_choice() : *choice;
    set_weights(shape, weights, table.flag("fused_qkv").value_or(false));
    read_types(table, shape);
    return weights;
}

std::string shape_types_text(const ModelShape& shape) {
    ModelShape same = shape;
    for (const bool fused : {false, true}) {
        for (const WeightChoice& choice : weight_choices()) {
            set_weights(same, choice, fused);
            if (same == shape) {
                return fmt::format(
                    "weight_type = \"{}\", {}", choice.name, fused ? "fused_qkv = true, " : ""
                );
            }
        }
    }
    const WeightType base = shape.layer_types.front().up;
    return fmt::format("weight_type = \"{}\", {}", name_of(base), types_text(shape, base));
}

} // namespace headroom::config
