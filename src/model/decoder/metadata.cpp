#include "model/decoder/metadata.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"
#include "base/model_shape.hpp"
#include "model/decoder/architecture.hpp"
#include "model/gguf/gguf_cursor.hpp"

namespace headroom::model {

namespace {

/// Reads keys of the metadata and collects the problems of their values.
class Keys {
  public:
    Keys(const GgufFile& file, const Architecture& architecture, std::vector<std::string>& problems)
        : file_(&file), prefix_(fmt::format("{}.", architecture.name)), problems_(&problems) {}

    /// Returns a key of the architecture.
    [[nodiscard]] std::string key(std::string_view name) const {
        return prefix_ + std::string(name);
    }

    void problem(const std::string& text) {
        problems_->push_back(fmt::format("{}: {}", file_->path().string(), text));
    }

    template <class T>
    using Getter = std::optional<T> (GgufFile::*)(std::string_view) const;

    /// Returns the value of any optional key. A value of another type is a problem.
    template <class T>
    std::optional<T> any(const std::string& full_key, Getter<T> get) {
        try {
            return (file_->*get)(full_key);
        } catch (const InputError& error) {
            problems_->insert(problems_->end(), error.problems().begin(), error.problems().end());
            return std::nullopt;
        }
    }

    /// Returns the value of a key of the architecture. It is a problem if a required key is absent.
    template <class T>
    std::optional<T> value(std::string_view name, Getter<T> get, bool required = false) {
        if (required && file_->find(key(name)) == nullptr) {
            problem(fmt::format("the required metadata {} is missing", key(name)));
        }
        return any(key(name), get);
    }

    /// Returns a count from 1 to `max`, or `fallback` if the key is absent; 0 after a problem. A
    /// fallback of 0 means that the key is required.
    std::int64_t count(std::string_view name, std::int64_t max, std::int64_t fallback = 0) {
        const auto count = value(name, &GgufFile::integer, fallback == 0);
        if (count && (*count < 1 || *count > max)) {
            problem(fmt::format("{}: expected 1 to {}, found {}", key(name), max, *count));
            return 0;
        }
        return count.value_or(fallback);
    }

    /// Returns a positive finite number; a fallback of 0 means that the key is required.
    double positive(std::string_view name, double fallback = 0) {
        const auto number = value(name, &GgufFile::number, fallback == 0);
        if (number && (!std::isfinite(*number) || *number <= 0)) {
            problem(fmt::format("{}: expected a positive number, found {}", key(name), *number));
        }
        return number.value_or(fallback);
    }

    /// Reports a key that is present with another value than `neutral`.
    void require_neutral(std::string_view name, double neutral, const char* feature) {
        const auto number = value(name, &GgufFile::number);
        if (number && *number != neutral) {
            problem(fmt::format(
                "{} is {}: {} not computed yet (only {} is)", key(name), *number, feature, neutral
            ));
        }
    }

  private:
    const GgufFile* file_;
    std::string prefix_; ///< of the keys of the architecture
    std::vector<std::string>* problems_;
};

/// Returns a text of the metadata, or "" if the key is absent or has another type.
std::string_view text_or_nothing(const GgufFile& file, std::string_view key) {
    const GgufValue* const value = file.find(key);
    const auto* const text = value == nullptr ? nullptr : std::get_if<std::string_view>(value);
    return text == nullptr ? std::string_view() : *text;
}

[[noreturn]] void refuse(const GgufFile& file, std::string_view why) {
    throw InputError(fmt::format("{}: {}", file.path().string(), why));
}

/// Throws InputError for GGUF files of llama.cpp that are not models.
void check_is_a_model(const GgufFile& file) {
    const std::string_view type = text_or_nothing(file, "general.type");
    if (type == "adapter" || file.find("adapter.type") != nullptr) {
        refuse(
            file,
            "it is an adapter (LoRA), which only changes the weights of another model; give that "
            "model, or merge both into one file first (llama.cpp's llama-export-lora)"
        );
    }
    if (type == "mmproj" || text_or_nothing(file, "general.architecture") == "clip") {
        refuse(
            file,
            "it is a projector (mmproj), the part of a multimodal model that takes in pictures or "
            "sound; give the language model that it belongs to"
        );
    }
    if (type == "imatrix" || file.find("imatrix.chunk_count") != nullptr) {
        refuse(
            file,
            "it is an importance matrix (imatrix), statistics by which a model is quantised; give "
            "a "
            "model"
        );
    }
}

const Architecture& known_architecture(const GgufFile& file) {
    const auto name = file.text("general.architecture");
    if (!name) {
        refuse(file, "the required metadata general.architecture is missing; is it a model file?");
    }
    const Architecture* const found = find_architecture(*name);
    if (found == nullptr) {
        std::vector<std::string> known;
        for (const Architecture& architecture : architectures()) {
            known.push_back(in_quotes(architecture.name));
        }
        const std::string others = fmt::format("{}", fmt::join(known, ", "));
        refuse(
            file,
            fmt::format("the architecture is {}; only {} can be computed", in_quotes(*name), others)
        );
    }
    if (file.integer("split.count").value_or(1) > 1) {
        refuse(
            file,
            "it is one part of a split model; merge the parts first (llama-gguf-split --merge)"
        );
    }
    return *found;
}

/// Checks that heads, widths and the dimension of the rotary embedding fit each other.
void check_heads(Keys& keys, const Hyperparameters& model) {
    if (model.width < 1 || model.heads < 1 || model.kv_heads < 1) {
        return; // reported by Keys::count
    }
    if (model.width % model.heads != 0 || model.head_width() % 2 != 0) {
        keys.problem(fmt::format(
            "{} heads do not divide the width {} into head widths that are even",
            model.heads,
            model.width
        ));
        return;
    }
    if (model.heads % model.kv_heads != 0) {
        keys.problem(fmt::format("{} K/V heads do not divide {} heads", model.kv_heads, model.heads)
        );
    }
    for (const char* const name :
         {"rope.dimension_count", "attention.key_length", "attention.value_length"}) {
        const auto value = keys.value(name, &GgufFile::integer);
        if (value && *value != model.head_width()) {
            keys.problem(fmt::format(
                "{} is {}, but the head width is {} (width {} / {} heads); others cannot be "
                "computed yet",
                keys.key(name),
                *value,
                model.head_width(),
                model.width,
                model.heads
            ));
        }
    }
}

/// Reports features that the kernels do not have and that would change the logits.
void check_features(Keys& keys) {
    struct Feature {
        const char* key;
        double neutral;
        const char* what;
    };
    static constexpr std::array kFeatures{
        Feature{"expert_count", 0, "a mixture of experts is"},
        Feature{"rope.scale_linear", 1, "rope scaling is"},
        Feature{"attention.sliding_window", 0, "sliding-window attention is"},
        Feature{"attention.clamp_kqv", 0, "clamping of q, k and v is"},
        Feature{"attention.max_alibi_bias", 0, "ALiBi is"},
        Feature{"attention.scale", 0, "another attention scale is"},
        Feature{"attn_logit_softcapping", 0, "soft-capping is"},
        Feature{"final_logit_softcapping", 0, "soft-capping is"},
        Feature{"logit_scale", 1, "logit scaling is"},
        Feature{"residual_scale", 1, "residual scaling is"},
        Feature{"embedding_scale", 1, "embedding scaling is"},
    };
    for (const Feature& feature : kFeatures) {
        keys.require_neutral(feature.key, feature.neutral, feature.what);
    }
    if (keys.value("use_parallel_residual", &GgufFile::boolean).value_or(false)) {
        keys.problem(keys.key("use_parallel_residual: parallel residuals are not computed yet"));
    }
    if (!keys.value("attention.causal", &GgufFile::boolean).value_or(true)) {
        keys.problem(keys.key("attention.causal is false: only causal decoders can be computed"));
    }
    const auto scaling = keys.value("rope.scaling.type", &GgufFile::text);
    if (!scaling || *scaling == "none") {
        return;
    }
    if (*scaling != "linear") {
        keys.problem(fmt::format(
            "{} is {}: rope scaling is not computed yet",
            keys.key("rope.scaling.type"),
            in_quotes(*scaling)
        ));
        return;
    }
    keys.require_neutral("rope.scaling.factor", 1, "rope scaling is");
}

} // namespace

Hyperparameters read_metadata(const GgufFile& file, std::vector<std::string>& problems) {
    check_is_a_model(file);
    Hyperparameters model;
    model.architecture = &known_architecture(file);
    Keys keys(file, *model.architecture, problems);
    const auto name = keys.any("general.name", &GgufFile::text);
    model.name = name ? std::string(*name) : file.path().stem().string();
    for_each_size([&]<class T>(const ShapeField<ModelShape, T>& size) {
        if (size.gguf_key != nullptr) {
            const bool is_kv_heads = std::string_view(size.name) == "kv_heads";
            const std::int64_t fallback = is_kv_heads ? std::max(model.heads, 1) : 0;
            model.*size.member = static_cast<T>(keys.count(size.gguf_key, size.max, fallback));
        }
    });
    model.rms_epsilon = static_cast<float>(keys.positive("attention.layer_norm_rms_epsilon"));
    model.rope_theta = keys.positive("rope.freq_base", 10000.0);
    const std::size_t per_layer = model.architecture->layer_tensors.size();
    if (static_cast<std::size_t>(model.layers) > file.tensors().size() / per_layer) {
        keys.problem(fmt::format(
            "{} is {}, but {} tensors are too few for that; each layer has {}",
            keys.key("block_count"),
            model.layers,
            file.tensors().size(),
            per_layer
        ));
    }
    check_heads(keys, model);
    check_features(keys);
    return model;
}

} // namespace headroom::model
