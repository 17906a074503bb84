#include "tests/model/support/tiny_model.hpp"

#include <algorithm>
#include <cmath>

#include "base/random.hpp"
#include "model/architectures/architecture.hpp"
#include "model/decoder/file_tensors.hpp"

namespace headroom::model::test {

namespace {

constexpr auto kF32 = static_cast<std::uint32_t>(StoredType::f32);

std::uint32_t head_width(const TinyShape& shape) {
    return shape.head_width > 0 ? shape.head_width : shape.width / shape.heads;
}

class Builder {
  public:
    explicit Builder(const TinyShape& shape) : shape_(shape) {}

    void matrix(
        const std::string& name,
        std::uint64_t columns,
        std::uint64_t rows,
        std::optional<StoredType> other = {}
    ) {
        const StoredType type = other.value_or(shape_.type);
        const double amplitude = 2.0 / std::sqrt(static_cast<double>(columns));
        writer_.tensor({
            name,
            {columns, rows},
            static_cast<std::uint32_t>(type),
            random_weights(stream_seed(shape_.seed, name), columns * rows, amplitude, type),
        });
    }

    void vector(const std::string& name, std::uint64_t elements) {
        std::string data;
        const std::uint64_t stream = stream_seed(shape_.seed, name);
        for (std::uint64_t i = 0; i < elements; ++i) {
            data += raw(static_cast<float>(0.5 + random_unit(stream, i)));
        }
        writer_.tensor({name, {elements}, kF32, data});
    }

    void metadata() {
        const std::string prefix = shape_.architecture + ".";
        writer_.text("general.architecture", shape_.architecture);
        writer_.text("general.name", "tiny");
        writer_.u32(prefix + "block_count", shape_.layers);
        writer_.u32(prefix + "embedding_length", shape_.width);
        writer_.u32(prefix + "feed_forward_length", shape_.ffn_width);
        writer_.u32(prefix + "attention.head_count", shape_.heads);
        writer_.u32(prefix + "attention.head_count_kv", shape_.kv_heads);
        writer_.u32(prefix + "context_length", shape_.context);
        if (shape_.head_width > 0) {
            writer_.u32(prefix + "attention.key_length", shape_.head_width);
            writer_.u32(prefix + "attention.value_length", shape_.head_width);
        }
        writer_.u32(prefix + "rope.dimension_count", head_width(shape_));
        writer_.f32(prefix + "attention.layer_norm_rms_epsilon", 1e-5F);
        writer_.f32(prefix + "rope.freq_base", 10000.0F);
    }

    void vocabulary() { write_tiny_vocabulary(writer_, shape_.vocabulary); }

    void tensors() {
        std::vector<ExpectedTensor> all = expected_tensors(tiny_hyperparameters(shape_));
        std::stable_partition(all.begin(), all.end(), [](const ExpectedTensor& tensor) {
            return !tensor.name.starts_with("output");
        });
        for (const ExpectedTensor& tensor : all) {
            const auto columns = static_cast<std::uint64_t>(tensor.columns);
            if (tensor.vector) {
                vector(tensor.name, columns);
            } else if (tensor.name == "output.weight") {
                matrix(tensor.name, columns, shape_.vocabulary, shape_.output);
            } else {
                matrix(tensor.name, columns, static_cast<std::uint64_t>(tensor.rows));
            }
        }
    }

    GgufWriter take() { return std::move(writer_); }

  private:
    TinyShape shape_;
    GgufWriter writer_;
};

} // namespace

void write_tiny_vocabulary(GgufWriter& writer, std::uint32_t size) {
    std::vector<std::string> tokens{"<unk>", "<s>", "</s>"};
    std::vector<std::int32_t> types{2, 3, 3};
    std::vector<float> scores(size, 0.0F);
    for (std::uint32_t i = 3; i < size; ++i) {
        tokens.push_back(i == 3 ? "\xE2\x96\x81" : std::string(1 + i / 30, char('a' + i % 26)));
        types.push_back(1);
        scores[i] = -static_cast<float>(i);
    }
    writer.text("tokenizer.ggml.model", "llama");
    writer.texts("tokenizer.ggml.tokens", tokens);
    writer.floats("tokenizer.ggml.scores", scores);
    writer.i32s("tokenizer.ggml.token_type", types);
    writer.u32("tokenizer.ggml.bos_token_id", 1);
    writer.u32("tokenizer.ggml.eos_token_id", 2);
}

GgufWriter with_tiny_vocabulary(const GgufFile& file) {
    GgufWriter writer;
    for (const auto& [key, value] : file.metadata()) {
        if (key.starts_with("tokenizer.")) {
            continue;
        }
        if (const auto* const number = std::get_if<std::uint64_t>(&value)) {
            writer.u32(key, static_cast<std::uint32_t>(*number));
        } else if (const auto* const real = std::get_if<double>(&value)) {
            writer.f32(key, static_cast<float>(*real));
        } else if (const auto* const truth = std::get_if<bool>(&value)) {
            writer.boolean(key, *truth);
        } else if (const auto* const text = std::get_if<std::string_view>(&value)) {
            writer.text(key, *text);
        } else if (const auto* const array = std::get_if<GgufArray>(&value)) {
            const auto* const bytes = reinterpret_cast<const char*>(array->bytes.data());
            const std::string header = raw(array->element_type) + raw(array->count);
            writer.put(key, 9, header + std::string(bytes, array->bytes.size()));
        }
    }
    for (const GgufTensor& tensor : file.tensors()) {
        std::string data(tensor.bytes, '\0');
        file.read(tensor, 0, std::as_writable_bytes(std::span(data)));
        const std::vector<std::uint64_t> dimensions(
            tensor.dimensions.begin(), tensor.dimensions.end()
        );
        writer.tensor({tensor.name, dimensions, tensor.ggml_type, data});
    }
    const auto vocabulary = file.tensor("token_embd.weight")->dimensions.at(1);
    write_tiny_vocabulary(writer, static_cast<std::uint32_t>(vocabulary));
    return writer;
}

GgufWriter tiny_model(const TinyShape& shape) {
    Builder builder(shape);
    builder.metadata();
    builder.vocabulary();
    builder.tensors();
    return builder.take();
}

namespace {

/// Sets what follows from an architecture, for files without keys of features.
void describe(const Architecture& architecture, Hyperparameters& model) {
    model.qkv_bias = architecture.qkv_bias;
    model.qk_norm = architecture.qk_norm;
    model.norm_place = architecture.norm_place;
    model.window = architecture.window;
    model.window_period = architecture.window > 0 ? architecture.window_period : 0;
    model.features = architecture.features;
    const auto context = static_cast<double>(model.context);
    model.features.rope.original_context = model.features.window_rope.original_context = context;
    model.features.temperature_context = model.context;
    if (architecture.adjust != nullptr) {
        architecture.adjust(model, model.features);
    }
}

} // namespace

Hyperparameters tiny_hyperparameters(const TinyShape& shape) {
    const WeightType type = weight_type_of(shape.type);
    const StoredType head = shape.tied ? shape.type : shape.output.value_or(shape.type);
    Hyperparameters model;
    model.architecture = find_architecture(shape.architecture);
    if (model.architecture == nullptr) {
        model.architecture = find_architecture("llama");
    }
    model.name = "tiny";
    model.layers = static_cast<std::int32_t>(shape.layers);
    model.heads = static_cast<std::int32_t>(shape.heads);
    model.kv_heads = static_cast<std::int32_t>(shape.kv_heads);
    model.width = shape.width;
    model.own_head_width =
        shape.head_width == shape.width / shape.heads ? 0 : std::int64_t{shape.head_width};
    model.ffn_width = shape.ffn_width;
    model.vocabulary = shape.vocabulary;
    model.context = shape.context;
    model.tied = shape.tied;
    model.embed_type = type;
    model.lm_head_type = weight_type_of(head);
    model.layer_types.assign(shape.layers, {type, type, type, type, type, type, type});
    describe(*model.architecture, model);
    return model;
}

} // namespace headroom::model::test
