#include "tests/model/support/tiny_model.hpp"

#include <cmath>

#include "base/random.hpp"
#include "model/decoder/architecture.hpp"

namespace headroom::model::test {

namespace {

constexpr auto kF32 = static_cast<std::uint32_t>(StoredType::f32);

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

    void norm(const std::string& name) {
        std::string data;
        const std::uint64_t stream = stream_seed(shape_.seed, name);
        for (std::uint64_t i = 0; i < shape_.width; ++i) {
            data += raw(static_cast<float>(0.5 + random_unit(stream, i)));
        }
        writer_.tensor({name, {shape_.width}, kF32, data});
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
        writer_.u32(prefix + "rope.dimension_count", shape_.width / shape_.heads);
        writer_.f32(prefix + "attention.layer_norm_rms_epsilon", 1e-5F);
        writer_.f32(prefix + "rope.freq_base", 10000.0F);
    }

    void vocabulary() {
        std::vector<std::string> tokens{"<unk>", "<s>", "</s>"};
        std::vector<std::int32_t> types{2, 3, 3};
        std::vector<float> scores(shape_.vocabulary, 0.0F);
        for (std::uint32_t i = 3; i < shape_.vocabulary; ++i) {
            tokens.push_back(i == 3 ? "\xE2\x96\x81" : std::string(1 + i / 30, char('a' + i % 26)));
            types.push_back(1);
            scores[i] = -static_cast<float>(i);
        }
        writer_.text("tokenizer.ggml.model", "llama");
        writer_.texts("tokenizer.ggml.tokens", tokens);
        writer_.floats("tokenizer.ggml.scores", scores);
        writer_.i32s("tokenizer.ggml.token_type", types);
        writer_.u32("tokenizer.ggml.bos_token_id", 1);
        writer_.u32("tokenizer.ggml.eos_token_id", 2);
    }

    void tensors() {
        const std::uint64_t kv_width = shape_.width / shape_.heads * shape_.kv_heads;
        matrix("token_embd.weight", shape_.width, shape_.vocabulary);
        for (std::uint32_t layer = 0; layer < shape_.layers; ++layer) {
            const std::string block = "blk." + std::to_string(layer) + ".";
            norm(block + "attn_norm.weight");
            matrix(block + "attn_q.weight", shape_.width, shape_.width);
            matrix(block + "attn_k.weight", shape_.width, kv_width);
            matrix(block + "attn_v.weight", shape_.width, kv_width);
            matrix(block + "attn_output.weight", shape_.width, shape_.width);
            norm(block + "ffn_norm.weight");
            matrix(block + "ffn_gate.weight", shape_.width, shape_.ffn_width);
            matrix(block + "ffn_up.weight", shape_.width, shape_.ffn_width);
            matrix(block + "ffn_down.weight", shape_.ffn_width, shape_.width);
        }
        norm("output_norm.weight");
        if (!shape_.tied) {
            matrix("output.weight", shape_.width, shape_.vocabulary, shape_.output);
        }
    }

    GgufWriter take() { return std::move(writer_); }

  private:
    TinyShape shape_;
    GgufWriter writer_;
};

} // namespace

GgufWriter tiny_model(const TinyShape& shape) {
    Builder builder(shape);
    builder.metadata();
    builder.vocabulary();
    builder.tensors();
    return builder.take();
}

Hyperparameters tiny_hyperparameters(const TinyShape& shape) {
    const WeightType type = computed_type(shape.type);
    const StoredType head = shape.tied ? shape.type : shape.output.value_or(shape.type);
    Hyperparameters model;
    model.architecture = find_architecture(shape.architecture);
    model.name = "tiny";
    model.layers = static_cast<std::int32_t>(shape.layers);
    model.heads = static_cast<std::int32_t>(shape.heads);
    model.kv_heads = static_cast<std::int32_t>(shape.kv_heads);
    model.width = shape.width;
    model.ffn_width = shape.ffn_width;
    model.vocabulary = shape.vocabulary;
    model.context = shape.context;
    model.tied = shape.tied;
    model.embed_type = type;
    model.lm_head_type = computed_type(head);
    model.layer_types.assign(shape.layers, {type, type, type, type, type, type, type});
    return model;
}

} // namespace headroom::model::test
