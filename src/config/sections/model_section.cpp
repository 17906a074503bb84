// [model]: a file, a preset or a shape.
#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/check.hpp"
#include "config/sections/keys.hpp"
#include "config/sections/sections.hpp"
#include "config/sections/shape_section.hpp"
#include "config/sections/shape_types.hpp"

namespace headroom::config {

namespace {

constexpr std::string_view kGiveOne =
    "give file = \"x.gguf\", preset = \"llama-2-7b\", or shape = { layers, heads, … }";

/// Most programs store KV caches so, and the published figures of models count on it.
constexpr WeightType kPresetCacheType = WeightType::f16;

/// Uses the installed model of this name if no file of this name is beside the scenario.
void use_installed_model(const ModelFileLookup& lookup, Scenario& scenario) {
    const std::filesystem::path written = scenario.model_file_written;
    const std::filesystem::path installed = lookup.installed_folder / written;
    if (lookup.installed_folder.empty() || written.empty() || written.has_parent_path() ||
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
    const ModelFileLookup& lookup,
    Scenario& scenario
) {
    const auto file = table.text("file");
    if (!file) {
        return;
    }
    if (file->empty()) {
        const auto text = fmt::format("is empty; {}", kGiveOne);
        add_problem(*table.find("file"), text, table.problems());
    }
    scenario.model_file_written = *file;
    // The path is not normalised, because `..` after a symbolic link leads elsewhere.
    scenario.model_file = folder / *file;
    use_installed_model(lookup, scenario);
    if (lookup.must_exist && !file->empty() && !std::filesystem::exists(scenario.model_file)) {
        add_problem(
            *table.find("file"),
            fmt::format(
                "names no file: there is no {} (paths start from the scenario's folder){}",
                scenario.model_file.string(),
                lookup.installed_folder.empty() || std::filesystem::path(*file).has_parent_path()
                    ? ""
                    : fmt::format(", nor one in {}", lookup.installed_folder.string())
            ),
            table.problems()
        );
    }
}

void read_preset(TableReader& table, Scenario& scenario) {
    const ModelPreset* const preset = table.catalogue_entry("preset", model_presets());
    const WeightChoice* const choice = read_weight_choice(table);
    if (preset == nullptr) {
        return;
    }
    scenario.preset = preset->name;
    scenario.shape = preset->shape;
    scenario.shape->kv_type = kPresetCacheType;
    if (choice != nullptr) {
        set_weights(*scenario.shape, *choice, preset->fused_qkv);
        for (const std::string& problem : scenario.shape->problems()) {
            add_problem(
                *table.find("weight_type"), "does not suit it: " + problem, table.problems()
            );
            break; // the other matrices have the same problem
        }
    }
}

/// Gives the scenario and its shape one type of KV caches: that of the key `kv_type`, or else that
/// of the shape.
void settle_cache_type(TableReader& table, Scenario& scenario) {
    if (!scenario.shape) {
        return;
    }
    ModelShape& shape = *scenario.shape;
    const auto given = table.find("kv_type");
    if (given) {
        shape.kv_type = scenario.cache_type();
    } else {
        const auto found = std::ranges::find(kCacheTypes, shape.kv_type);
        scenario.kv_type = static_cast<KvType>(found - kCacheTypes.begin());
    }
    // Sizes that are 0 have been reported.
    if (given && shape.heads > 0 && shape.head_width() > 0) {
        if (const std::string problem = shape.cache_problem(); !problem.empty()) {
            add_problem(*given, "does not suit the model: " + problem, table.problems());
        }
    }
}

/// Moves the key `context` into the shape of a preset.
void use_context(TableReader& table, Scenario& scenario) {
    const auto entry = table.find("context");
    if (entry && table.find("shape")) {
        const std::string_view text = "goes with a file or a preset; a shape has its own: "
                                      "shape = { …, context = 4096 }";
        add_problem(*entry, text, table.problems());
    }
    if (scenario.shape && scenario.context > 0) {
        scenario.shape->context = std::exchange(scenario.context, 0);
    }
}

} // namespace

ModelKind read_model(
    TableReader& root,
    const std::filesystem::path& folder,
    const ModelFileLookup& lookup,
    Scenario& scenario
) {
    auto table = root.table("model", "[model]");
    if (!table) {
        if (!root.find("model")) {
            root.report_missing("model.file", std::string(kGiveOne));
        }
        return ModelKind::unknown;
    }
    read_keys(*table, kModelKeys, scenario);
    std::vector<TomlEntry> given;
    for (const std::string_view key : {"file", "preset", "shape"}) {
        if (const auto entry = table->find(key)) {
            given.push_back(*entry);
        }
    }
    if (given.empty()) {
        table->report_missing("file", std::string(kGiveOne));
    } else if (given.size() > 1) {
        add_problem(
            given[1],
            fmt::format("and {} exclude each other; give one of file, preset, shape", given[0].key),
            table->problems()
        );
    }
    const ModelKind source = given.size() != 1     ? ModelKind::unknown
                             : table->find("file") ? ModelKind::file
                                                   : ModelKind::shape;
    if (table->find("file")) {
        read_model_file(*table, folder, lookup, scenario);
    }
    const auto name = table->text("from_preset");
    if (table->find("shape")) {
        scenario.shape = read_shape(*table);
        scenario.preset = name.value_or("");
    } else if (name) {
        add_problem(
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
        add_problem(*type, text, table->problems());
    }
    use_context(*table, scenario);
    settle_cache_type(*table, scenario);
    table->finish();
    return source;
}

} // namespace headroom::config
