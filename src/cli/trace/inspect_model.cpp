#include <map>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/units.hpp"
#include "cli/run/summary_text.hpp"
#include "cli/terminal/console.hpp"
#include "cli/terminal/screen.hpp"
#include "cli/trace/inspect_command.hpp"
#include "model/costs/cost_shape.hpp"
#include "model/decoder/weights.hpp"
#include "model/gguf/gguf.hpp"
#include "model/gguf/scan_file.hpp"
#include "model/tokenizer/tokenizer.hpp"
#include "scheduler/core/blocks.hpp"

namespace headroom::cli {

namespace {

/// The metadata of a file, whether headroom can run the model or not. Missing numbers are -1, and
/// missing texts are empty.
struct Facts {
    std::string architecture;
    std::string name;
    std::string tokenizer;
    std::int64_t vocabulary = -1;
    std::map<std::string, std::int64_t> sizes; ///< layers, width, ...
};

/// Returns the value, or `otherwise` if it is missing or has a wrong type.
template <class Get>
auto value_or(Get get, decltype(*get()) otherwise) {
    try {
        const auto value = get();
        return value ? *value : otherwise;
    } catch (const InputError&) {
        return otherwise;
    }
}

Facts facts_of(const model::GgufFile& file) {
    const auto text = [&](const std::string& key) {
        return std::string(value_or([&] { return file.text(key); }, std::string_view{}));
    };
    Facts facts;
    facts.architecture = text("general.architecture");
    facts.name = text("general.name");
    facts.tokenizer = text("tokenizer.ggml.model");
    if (const model::GgufValue* const tokens = file.find("tokenizer.ggml.tokens")) {
        if (const auto* const array = std::get_if<model::GgufArray>(tokens)) {
            facts.vocabulary = static_cast<std::int64_t>(array->count);
        }
    }
    const auto add_size = [&](const char* name, const std::string& key) {
        facts.sizes[name] = value_or(
            [&] { return file.integer(facts.architecture + "." + key); }, std::int64_t{-1}
        );
    };
    for_each_size([&](const auto& size) {
        if (size.gguf_key != nullptr) {
            add_size(size.name, size.gguf_key);
        }
    });
    add_size("experts", "expert_count");
    std::erase_if(facts.sizes, [](const auto& size) { return size.second < 0; });
    return facts;
}

/// Returns why headroom cannot run the model, or "" if it can. Then `warnings` are those of the
/// tokenizer.
std::string why_not_runnable(
    const model::GgufFile& file, const model::FileScan& whole, std::vector<std::string>& warnings
) {
    try {
        (void)model::read_hyperparameters(file);
        warnings = model::Tokenizer(file).warnings();
        return whole.problem;
    } catch (const InputError& error) {
        return error.what();
    }
}

nlohmann::json facts_json(
    const model::GgufFile& file, const Facts& facts, const std::string& hash
) {
    nlohmann::json types = nlohmann::json::object();
    for (const model::TensorTypeUse& use : model::tensor_type_uses(file)) {
        types[use.name] = {
            {"tensors", use.tensors}, {"bytes", use.bytes}, {"computed", use.computed}};
    }
    nlohmann::json json{
        {"architecture", facts.architecture},
        {"name", facts.name},
        {"tokenizer", facts.tokenizer},
        {"vocabulary", facts.vocabulary},
        {"tensor_types", types},
        {"gguf_version", file.version()},
        {"hash", hash},
        {"file_bytes", file.file_bytes()},
    };
    for (const auto& [name, value] : facts.sizes) {
        json[name] = value;
    }
    return json;
}

/// Replaces the file's metadata by the shape that was checked against its tensors.
void add_checked(nlohmann::json& json, const model::CostShape& costs, std::size_t blocks) {
    const ModelShape& shape = costs.shape;
    json["name"] = costs.name;
    for_each_size([&](const auto& size) { json[size.name] = shape.*size.member; });
    json["tied"] = shape.tied;
    json["blocks"] = blocks;
}

/// Returns the shape for plan and simulate, or nothing if the file does not say what they need.
std::optional<model::CostShape> costs_of(const model::GgufFile& file) {
    try {
        return model::cost_shape_of(file);
    } catch (const InputError&) {
        return std::nullopt;
    }
}

std::string known(const std::string& text) {
    return text.empty() ? "not said" : text;
}

void print_facts(const model::GgufFile& file, const Facts& facts, const std::string& hash) {
    say(stdout, "model {} ({}): {}\n\n", file.path().string(), known(facts.name), hash);
    say(stdout,
        "  GGUF v{}, {} in {} tensors, architecture {}\n",
        file.version(),
        format_bytes(static_cast<Bytes>(file.file_bytes())),
        file.tensors().size(),
        known(facts.architecture));
    std::string sizes;
    for (const auto& [name, value] : facts.sizes) {
        sizes += fmt::format("{}{} {}", sizes.empty() ? "" : ", ", name, value);
    }
    say(stdout, "  {}\n", sizes.empty() ? "no sizes are said" : sizes);
    say(stdout,
        "  tokenizer {}{}\n",
        known(facts.tokenizer),
        facts.vocabulary < 0 ? "" : fmt::format(", vocabulary {}", facts.vocabulary));
    for (const model::TensorTypeUse& use : model::tensor_type_uses(file)) {
        say(stdout,
            "  {:<8}{:>5} tensors  {:>10}{}\n",
            use.name,
            use.tensors,
            format_bytes(static_cast<Bytes>(use.bytes)),
            use.computed ? "" : "  cannot be computed");
    }
}

void print_shape(const ModelShape& m) {
    say(stdout,
        "\n  {} heads in {} groups of width {} in each of {} layers{}\n",
        m.heads,
        m.kv_heads,
        m.head_width(),
        m.layers,
        m.tied ? ", tied embeddings" : "");
}

void print_blocks(const scheduler::Blocks& blocks) {
    const scheduler::Placement together(blocks.size(), DeviceId(0));
    const std::int64_t context = blocks.shape().context;
    say(stdout, "  as blocks, in the bytes that devices hold: {} in all\n", blocks.size());
    std::vector<BlockId> shown{blocks.embed(), blocks.group(0, 0)};
    for (std::int32_t l = 1; l < blocks.shape().layers && shown.size() < 3; ++l) {
        if (blocks.shape().window_of(l) != blocks.shape().window_of(0)) {
            shown.push_back(blocks.group(l, 0));
        }
    }
    shown.insert(shown.end(), {blocks.proj(0), blocks.ffn(0), blocks.lm_head()});
    for (const BlockId b : shown) {
        const Bytes cache = blocks.cache_bytes(b, context);
        const std::int64_t window = blocks.window(b);
        say(stdout,
            "  {:<10}{:>10}{}{}\n",
            name_of(blocks.name(b).kind),
            format_bytes(blocks.weight_bytes(b, together)),
            cache > 0
                ? fmt::format(", and {} of F16 cache at {} tokens", format_bytes(cache), context)
                : "",
            cache > 0 && window > 0 ? fmt::format(", in a layer with a window of {}", window) : "");
    }
}

} // namespace

int inspect_model(const InspectCommand& command) {
    const model::GgufFile file(command.file);
    const Facts facts = facts_of(file);
    const model::FileScan whole = model::scan_file(file);
    std::vector<std::string> warnings;
    const std::string problem = why_not_runnable(file, whole, warnings);
    print_warnings(warnings);
    nlohmann::json json = facts_json(file, facts, whole.hash);
    if (!command.json) {
        print_facts(file, facts, whole.hash);
    }
    std::optional<model::CostShape> costs = costs_of(file);
    if (!problem.empty()) {
        json["cannot_run"] = problem;
        json["can_plan"] = costs.has_value();
        if (!command.json) {
            say(stdout,
                "\n  headroom cannot run it{}: {}\n",
                costs ? " (plan and simulate know what it costs)" : "",
                problem);
        }
    }
    if (costs) {
        costs->shape.kv_type = WeightType::f16; // as in a run without a scenario (run --model)
        const scheduler::Blocks blocks(costs->shape);
        add_checked(json, *costs, blocks.size());
        if (!command.json) {
            print_shape(costs->shape);
            print_blocks(blocks);
        }
    }
    if (command.json) {
        print_json(json);
    }
    return 0;
}

} // namespace headroom::cli
