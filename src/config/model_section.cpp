// [model]: a file, a preset or a shape.
#include <array>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/check.hpp"
#include "base/limits.hpp"
#include "config/sections.hpp"

namespace headroom::config {

namespace {

constexpr std::string_view kGiveOne =
    "give file = \"x.gguf\", preset = \"llama-2-7b\", or shape = { layers, heads, … }";

// Far beyond any model, and within what can be counted.
constexpr std::int64_t kMaxLayers = 1000;
constexpr std::int64_t kMaxHeads = 1024;
constexpr std::int64_t kMaxTokens = 16'777'216;
static_assert(kMaxLayers <= kMostLayers && kMaxHeads <= kMostHeads);
static_assert(kMaxTokens <= kLongestContext && kMaxTokens <= kMostVocabulary);

void set_types(scheduler::ModelShape& shape, WeightType type) {
    shape.layer_types.assign(
        static_cast<std::size_t>(shape.layers), scheduler::LayerTypes::all(type)
    );
    shape.embed_type = shape.lm_head_type = type;
}

std::int64_t required(TableReader& table, std::string_view key, std::int64_t high) {
    if (!table.find(key)) {
        table.missing(key, "give a whole number");
    }
    return table.integer(key, 1, high).value_or(0);
}

/// What the figures must be to each other; those that are missing or wrong (0) are told already.
void check_figures(TableReader& table, const scheduler::ModelShape& shape, WeightType type) {
    const auto must_divide = [&](std::string_view part,
                                 std::int64_t n,
                                 std::string_view key,
                                 std::int64_t whole,
                                 std::string_view why) {
        if (n > 0 && whole > 0 && whole % n != 0) {
            const auto text =
                fmt::format("= {} is not a multiple of {} = {}; {}", whole, part, n, why);
            add_about(*table.find(key), text, table.problems());
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
    const std::int64_t block = block_elements(type);
    const auto why = fmt::format("{} stores so many elements together", name_of(type));
    must_divide("a quantisation block", block, "width", shape.width, why);
    must_divide("a quantisation block", block, "ffn_width", shape.ffn_width, why);
}

/// Keys of [model] that say which model it is, as many as are there.
std::vector<Site> sources_of(TableReader& table) {
    std::vector<Site> given;
    for (const std::string_view key : {"file", "preset", "shape"}) {
        if (const auto site = table.find(key)) {
            given.push_back(*site);
        }
    }
    return given;
}

/// The model's own name counts beside the scenario first, and where models are installed next.
void take_installed(const ModelPlaces& places, Scenario& scenario) {
    const std::filesystem::path written = scenario.model_file_written;
    const std::filesystem::path installed = places.installed / written;
    if (places.installed.empty() || written.empty() || written.has_parent_path() ||
        std::filesystem::exists(scenario.model_file) || !std::filesystem::exists(installed)) {
        return;
    }
    scenario.notes.push_back(fmt::format(
        "model {} is not beside the scenario; using {}", written.string(), installed.string()
    ));
    scenario.model_file = installed;
    scenario.model_file_written = installed.string();
}

void read_model_file(
    TableReader& table,
    const std::filesystem::path& folder,
    const ModelPlaces& places,
    Scenario& scenario
) {
    const auto file = table.text("file");
    if (!file) {
        return;
    }
    if (file->empty()) {
        const auto text = fmt::format("is empty; {}", kGiveOne);
        add_about(*table.find("file"), text, table.problems());
    }
    scenario.model_file_written = *file;
    // Not normalised: where a folder is a symbolic link, `..` is what the system says it is.
    scenario.model_file = folder / *file;
    take_installed(places, scenario);
    if (places.must_exist && !file->empty() && !std::filesystem::exists(scenario.model_file)) {
        add_about(
            *table.find("file"),
            fmt::format(
                "names no file: there is no {} (paths start from the scenario's folder){}",
                scenario.model_file.string(),
                places.installed.empty() || std::filesystem::path(*file).has_parent_path()
                    ? ""
                    : fmt::format(", nor one in {}", places.installed.string())
            ),
            table.problems()
        );
    }
}

void read_preset(TableReader& table, Scenario& scenario) {
    const ModelPreset* const preset = table.entry("preset", model_presets());
    const auto type = table.choice("weight_type", kWeightTypeNames, kNonePlanned);
    if (preset == nullptr) {
        return;
    }
    scenario.preset = preset->name;
    scenario.shape = preset->shape;
    if (type) {
        set_types(*scenario.shape, *type);
        for (const std::string& problem : scenario.shape->problems()) {
            add_about(*table.find("weight_type"), "does not suit it: " + problem, table.problems());
            break; // the same holds for every other matrix
        }
    }
}

} // namespace

std::optional<scheduler::ModelShape> read_shape(TableReader& parent) {
    auto table = parent.table("shape", "shape = { layers, heads, … }");
    if (!table) {
        return std::nullopt;
    }
    scheduler::ModelShape shape;
    shape.layers = static_cast<std::int32_t>(required(*table, "layers", kMaxLayers));
    shape.heads = static_cast<std::int32_t>(required(*table, "heads", kMaxHeads));
    const auto kv_heads = table->integer("kv_heads", 1, kMaxHeads);
    shape.kv_heads = static_cast<std::int32_t>(kv_heads.value_or(shape.heads));
    shape.width = required(*table, "width", kMostWidth);
    shape.ffn_width = required(*table, "ffn_width", kMostFfnWidth);
    shape.gated = table->flag("gated").value_or(true);
    shape.vocabulary = required(*table, "vocab", kMaxTokens);
    shape.context = required(*table, "context", kMaxTokens);
    shape.tied = table->flag("tied").value_or(false);
    const WeightType type =
        table->choice("weight_type", kWeightTypeNames, kNonePlanned).value_or(kDefaultWeightType);
    check_figures(*table, shape, type);
    table->finish();
    set_types(shape, type);
    return shape;
}

std::string shape_text(const scheduler::ModelShape& shape) {
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

ModelSource read_model(
    TableReader& root,
    const std::filesystem::path& folder,
    const ModelPlaces& places,
    Scenario& scenario
) {
    auto table = root.table("model", "[model]");
    if (!table) {
        if (!root.find("model")) {
            root.missing("model.file", std::string(kGiveOne));
        }
        return ModelSource::unknown;
    }
    scenario.kv_type =
        table->choice("kv_type", kKvTypes, kPlannedKvTypes).value_or(scenario.kv_type);
    const std::vector<Site> given = sources_of(*table);
    ModelSource source = ModelSource::unknown;
    if (given.empty()) {
        table->missing("file", std::string(kGiveOne));
    } else if (given.size() > 1) {
        add_about(
            given[1],
            fmt::format("and {} exclude each other; give one of file, preset, shape", given[0].key),
            table->problems()
        );
    } else if (table->find("file")) {
        source = ModelSource::file;
    } else {
        source = ModelSource::shape;
    }
    if (table->find("file")) {
        read_model_file(*table, folder, places, scenario);
    }
    const auto name = table->text("from_preset");
    if (table->find("shape")) {
        scenario.shape = read_shape(*table);
        scenario.preset = name.value_or("");
    } else if (name) {
        add_about(
            *table->find("from_preset"),
            "names where a resolved text's shape is from; give preset",
            table->problems()
        );
    }
    if (table->find("preset")) {
        read_preset(*table, scenario);
    } else if (const auto type = table->find("weight_type")) {
        const std::string_view text =
            table->find("shape") ? "belongs into shape = { …, weight_type = \"q4_0\" }"
                                 : "goes with a preset; a file says itself how weights are stored";
        add_about(*type, text, table->problems());
    }
    table->finish();
    return source;
}

} // namespace headroom::config
