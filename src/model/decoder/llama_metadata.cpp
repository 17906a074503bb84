#include "model/decoder/llama_metadata.hpp"

#include <array>
#include <cmath>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "model/decoder/tensor_names.hpp"
#include "model/gguf/gguf_cursor.hpp"

namespace headroom::model {

namespace {

/// Reads keys of the metadata and collects the problems of their values.
class Keys {
  public:
    Keys(const GgufFile& file, std::vector<std::string>& problems)
        : file_(&file), problems_(&problems) {}

    void problem(const std::string& text) {
        problems_->push_back(fmt::format("{}: {}", file_->path().string(), text));
    }

    /// Returns the value of an optional key, read with `get`. A value of another type is a problem.
    template <class T>
    std::optional<T> optional(
        const std::string& key, std::optional<T> (GgufFile::*get)(std::string_view) const
    ) {
        try {
            return (file_->*get)(key);
        } catch (const InputError& error) {
            problems_->insert(problems_->end(), error.problems().begin(), error.problems().end());
            return std::nullopt;
        }
    }

    /// Returns a count from 1 to `max`, or `fallback` if the key is absent; 0 after a problem. A
    /// fallback of 0 means that the key is required.
    std::int64_t count(const std::string& key, std::int64_t max, std::int64_t fallback = 0) {
        const auto value = optional(key, &GgufFile::integer);
        if (!value) {
            if (fallback == 0 && file_->find(key) == nullptr) {
                problem(fmt::format("the required metadata {} is missing", key));
            }
            return fallback;
        }
        if (*value < 1 || *value > max) {
            problem(fmt::format("{}: expected 1 to {}, found {}", key, max, *value));
            return 0;
        }
        return *value;
    }

    /// Returns a positive finite number; a fallback of 0 means that the key is required.
    double positive(const std::string& key, double fallback = 0) {
        const auto value = optional(key, &GgufFile::number);
        if (!value) {
            if (fallback == 0 && file_->find(key) == nullptr) {
                problem(fmt::format("the required metadata {} is missing", key));
            }
            return fallback;
        }
        if (!std::isfinite(*value) || *value <= 0) {
            problem(fmt::format("{}: expected a positive number, found {}", key, *value));
        }
        return *value;
    }

    /// Reports a key that is present with another value than `neutral`.
    void require_neutral(const std::string& key, double neutral, const char* feature) {
        const auto value = optional(key, &GgufFile::number);
        if (value && *value != neutral) {
            problem(fmt::format(
                "{} is {}: {} not computed yet (only {} is)", key, *value, feature, neutral
            ));
        }
    }

    [[nodiscard]] const GgufFile& file() const { return *file_; }

  private:
    const GgufFile* file_;
    std::vector<std::string>* problems_;
};

/// Returns a text of the metadata, or "" if the key is absent or has another type.
std::string_view text_or_nothing(const GgufFile& file, std::string_view key) {
    const GgufValue* const value = file.find(key);
    const auto* const text = value == nullptr ? nullptr : std::get_if<std::string_view>(value);
    return text == nullptr ? std::string_view() : *text;
}

/// Throws InputError for GGUF files of llama.cpp that are not models.
void check_is_a_model(const GgufFile& file) {
    const std::string_view type = text_or_nothing(file, "general.type");
    const auto refuse = [&](std::string_view what) {
        throw InputError(fmt::format("{}: it is {}", file.path().string(), what));
    };
    if (type == "adapter" || file.find("adapter.type") != nullptr) {
        refuse("an adapter (LoRA), which only changes the weights of another model; give that "
               "model, or merge both into one file first (llama.cpp's llama-export-lora)");
    }
    if (type == "mmproj" || text_or_nothing(file, "general.architecture") == "clip") {
        refuse("a projector (mmproj), the part of a multimodal model that takes in pictures or "
               "sound; give the language model that it belongs to");
    }
    if (type == "imatrix" || file.find("imatrix.chunk_count") != nullptr) {
        refuse("an importance matrix (imatrix), statistics by which a model is quantised; give a "
               "model");
    }
}

void check_architecture(const GgufFile& file) {
    const auto architecture = file.text("general.architecture");
    if (!architecture) {
        throw InputError(fmt::format(
            "{}: the required metadata general.architecture is missing; is it a model file?",
            file.path().string()
        ));
    }
    if (*architecture != "llama") {
        throw InputError(fmt::format(
            "{}: the architecture is {}; only \"llama\" can be computed",
            file.path().string(),
            in_quotes(*architecture)
        ));
    }
    if (file.integer("split.count").value_or(1) > 1) {
        throw InputError(fmt::format(
            "{}: it is one part of a split model; merge the parts first (llama-gguf-split --merge)",
            file.path().string()
        ));
    }
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
    for (const char* name :
         {"llama.rope.dimension_count",
          "llama.attention.key_length",
          "llama.attention.value_length"}) {
        const auto value = keys.optional(name, &GgufFile::integer);
        if (value && *value != model.head_width()) {
            keys.problem(fmt::format(
                "{} is {}, but the head width is {} (width {} / {} heads); others cannot be "
                "computed yet",
                name,
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
        Feature{"llama.expert_count", 0, "a mixture of experts is"},
        Feature{"llama.rope.scale_linear", 1, "rope scaling is"},
        Feature{"llama.attention.sliding_window", 0, "sliding-window attention is"},
        Feature{"llama.attention.clamp_kqv", 0, "clamping of q, k and v is"},
        Feature{"llama.attention.max_alibi_bias", 0, "ALiBi is"},
        Feature{"llama.attention.scale", 0, "another attention scale is"},
        Feature{"llama.attn_logit_softcapping", 0, "soft-capping is"},
        Feature{"llama.final_logit_softcapping", 0, "soft-capping is"},
        Feature{"llama.logit_scale", 1, "logit scaling is"},
        Feature{"llama.residual_scale", 1, "residual scaling is"},
        Feature{"llama.embedding_scale", 1, "embedding scaling is"},
    };
    for (const Feature& feature : kFeatures) {
        keys.require_neutral(feature.key, feature.neutral, feature.what);
    }
    if (keys.optional("llama.use_parallel_residual", &GgufFile::boolean).value_or(false)) {
        keys.problem("llama.use_parallel_residual: parallel residuals are not computed yet");
    }
    if (!keys.optional("llama.attention.causal", &GgufFile::boolean).value_or(true)) {
        keys.problem("llama.attention.causal is false: only causal decoders can be computed");
    }
    const auto scaling = keys.optional("llama.rope.scaling.type", &GgufFile::text);
    if (!scaling || *scaling == "none") {
        return;
    }
    if (*scaling != "linear") {
        keys.problem(fmt::format(
            "llama.rope.scaling.type is {}: rope scaling is not computed yet", in_quotes(*scaling)
        ));
        return;
    }
    keys.require_neutral("llama.rope.scaling.factor", 1, "rope scaling is");
}

} // namespace

Hyperparameters read_llama_metadata(const GgufFile& file, std::vector<std::string>& problems) {
    check_is_a_model(file);
    check_architecture(file);
    Keys keys(file, problems);
    Hyperparameters model;
    const auto name = keys.optional("general.name", &GgufFile::text);
    model.name = name ? std::string(*name) : file.path().stem().string();
    model.layers = static_cast<std::int32_t>(keys.count("llama.block_count", kMaxModelLayers));
    model.width = keys.count("llama.embedding_length", kMaxModelWidth);
    model.ffn_width = keys.count("llama.feed_forward_length", kMaxModelFfnWidth);
    model.heads =
        static_cast<std::int32_t>(keys.count("llama.attention.head_count", kMaxModelHeads));
    model.kv_heads = static_cast<std::int32_t>(
        keys.count("llama.attention.head_count_kv", kMaxModelHeads, std::max(model.heads, 1))
    );
    model.context = keys.count("llama.context_length", kMaxModelContext);
    model.rms_epsilon = static_cast<float>(keys.positive("llama.attention.layer_norm_rms_epsilon"));
    model.rope_theta = keys.positive("llama.rope.freq_base", 10000.0);
    const auto tensors = static_cast<std::int64_t>(file.tensors().size());
    if (model.layers > tensors / kTensorsPerLayer) {
        keys.problem(fmt::format(
            "llama.block_count is {}, but {} tensors are too few for that; each layer has {}",
            model.layers,
            tensors,
            kTensorsPerLayer
        ));
    }
    check_heads(keys, model);
    check_features(keys);
    return model;
}

} // namespace headroom::model
