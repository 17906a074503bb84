#include <array>
#include <limits>

#include "fuzz/inputs.hpp"
#include "fuzz/mutate.hpp"
#include "model/support/tiny_model.hpp"

namespace headroom::fuzz {

namespace {

using model::test::GgufWriter;
using model::test::raw;
using model::test::StoredType;
using model::test::TinyShape;

/// Returns a valid model file, small enough to run thousands in a second.
GgufWriter valid_model(Random& random) {
    const StoredType type =
        model::test::kStoredTypes[random.below(model::test::kStoredTypes.size())];
    const bool super_blocks = model::test::block_of(type).weights == 256;
    const bool blocks = model::test::block_of(type).weights == 32;
    constexpr std::array kArchitectures{
        "gemma2", "gemma3", "mistral3", "olmo2", "phi3", "qwen2", "qwen3"};
    TinyShape shape;
    if (random.below(3) == 0) {
        shape.architecture = kArchitectures[random.below(kArchitectures.size())];
    }
    shape.layers = 1 + static_cast<std::uint32_t>(random.below(2));
    shape.heads = 2;
    shape.kv_heads = 1 + static_cast<std::uint32_t>(random.below(2));
    shape.width = blocks ? 32 : 8;
    shape.ffn_width = super_blocks ? 256 : blocks ? 32 : 12;
    shape.vocabulary = 12 + static_cast<std::uint32_t>(random.below(40));
    shape.context = 16;
    shape.tied = random.below(2) == 0;
    shape.type = super_blocks ? StoredType::f32 : type;
    shape.seed = random.below(4);
    GgufWriter writer = model::test::tiny_model(shape);
    if (super_blocks) { // only the rows of this matrix are long enough for them
        writer.tensor({
            "blk.0.ffn_down.weight",
            {256, 8},
            static_cast<std::uint32_t>(type),
            model::test::random_weights(random.bits(), 256 * 8, 0.2, type),
        });
    }
    return writer;
}

constexpr std::array kKeys{
    "general.architecture",
    "general.name",
    "general.alignment",
    "split.count",
    "llama.block_count",
    "llama.embedding_length",
    "llama.feed_forward_length",
    "llama.attention.head_count",
    "llama.attention.head_count_kv",
    "llama.attention.key_length",
    "llama.attention.value_length",
    "llama.attention.sliding_window",
    "llama.attention.sliding_window_pattern",
    "llama.attention.causal",
    "llama.attention.layer_norm_rms_epsilon",
    "llama.context_length",
    "llama.expert_count",
    "llama.expert_used_count",
    "llama.expert_feed_forward_length",
    "llama.logit_scale",
    "llama.vocab_size",
    "llama.rope.dimension_count",
    "llama.rope.freq_base",
    "llama.rope.scaling.type",
    "llama.rope.scaling.factor",
    "llama.rope.scaling.original_context_length",
    "llama.rope.scaling.attn_factor",
    "llama.rope.scaling.yarn_beta_fast",
    "llama.rope.scaling.yarn_log_multiplier",
    "llama.attention.value_length",
    "llama.attention.sliding_window_pattern",
    "split.no",
    "split.tensors.count",
    "tokenizer.ggml.model",
    "tokenizer.ggml.tokens",
    "tokenizer.ggml.scores",
    "tokenizer.ggml.token_type",
    "tokenizer.ggml.bos_token_id",
    "tokenizer.ggml.eos_token_id",
    "tokenizer.ggml.unknown_token_id",
    "tokenizer.ggml.add_bos_token",
    "tokenizer.ggml.add_space_prefix",
};

constexpr std::array kTexts{
    "linear", "yarn", "longrope", "none", "llama", "mistral3", "qwen2", "qwen3", "gemma2", "phi3"};

constexpr std::array kTensors{
    "token_embd.weight",
    "output_norm.weight",
    "output.weight",
    "rope_freqs.weight",
    "rope_factors_long.weight",
    "rope_factors_short.weight",
    "blk.0.attn_norm.weight",
    "blk.0.attn_q.weight",
    "blk.0.attn_k.weight",
    "blk.0.attn_v.weight",
    "blk.0.attn_output.weight",
    "blk.0.ffn_norm.weight",
    "blk.0.ffn_gate.weight",
    "blk.0.ffn_up.weight",
    "blk.0.ffn_down.weight",
    "blk.1.attn_q.weight",
    "blk.0.attn_q.bias",
};

std::uint64_t small_or_boundary(Random& random) {
    switch (random.below(4)) {
    case 0:
        return std::uint64_t{1} << random.below(64);
    case 1:
        return random.bits();
    default:
        return random.below(70);
    }
}

float odd_float(Random& random) {
    constexpr std::array kOdd{
        0.0F,
        -1.0F,
        1e-30F,
        3e38F,
        std::numeric_limits<float>::infinity(),
        std::numeric_limits<float>::quiet_NaN(),
        std::numeric_limits<float>::denorm_min(),
        1.0F,
    };
    return kOdd[random.below(kOdd.size())];
}

/// Sets a key to a random value of any GGUF type, including arrays, some with a wrong length.
void set_any_value(GgufWriter& writer, const std::string& key, Random& random) {
    const std::uint64_t number = small_or_boundary(random);
    switch (random.below(9)) {
    case 0:
        writer.u32(key, static_cast<std::uint32_t>(number));
        break;
    case 1:
        writer.i32(key, static_cast<std::int32_t>(number));
        break;
    case 2:
        writer.f32(key, odd_float(random));
        break;
    case 3:
        writer.boolean(key, random.below(2) == 0);
        break;
    case 4:
        writer.text(key, kTexts[random.below(kTexts.size())]);
        break;
    case 5:
        writer.put(key, 10 + static_cast<std::uint32_t>(random.below(3)), raw(number));
        break;
    case 6:
        writer.floats(key, std::vector<float>(random.below(60), odd_float(random)));
        break;
    case 7:
        writer.i32s(key, std::vector<std::int32_t>(random.below(60), static_cast<int>(number % 9)));
        break;
    default:
        writer.put(
            key,
            static_cast<std::uint32_t>(random.below(14)),
            raw(static_cast<std::uint32_t>(random.below(14))) + raw(number) + std::string(40, '\1')
        );
        break;
    }
}

/// Sets a vocabulary with many merges, byte tokens, all token types and unusual scores.
void set_vocabulary(GgufWriter& writer, Random& random) {
    std::vector<std::string> tokens{"<unk>", "<s>", "</s>", "\xE2\x96\x81", "<0x41>", "<0x0A>"};
    std::vector<std::int32_t> types{2, 3, 3, 1, 6, 6};
    std::vector<float> scores(tokens.size(), 0.0F);
    const std::uint64_t odd = random.below(4) == 0 ? 1 : 0;
    const std::uint64_t count = 4 + random.below(60);
    for (std::uint64_t i = 0; i < count; ++i) {
        std::string token;
        for (std::uint64_t length = random.below(5); length > 0; --length) {
            token += random.below(12) == 0 ? std::string("\xE2\x96\x81")
                                           : std::string(1, "ab <>\xC3\xA4\xFF"[random.below(8)]);
        }
        tokens.push_back(token);
        // A token of type 6, a byte, must have the name of a byte.
        types.push_back(random.below(4) == 0 ? 1 + static_cast<int>(random.below(5 + odd)) : 1);
        scores.push_back(
            odd * random.below(6) == 1 ? odd_float(random) : -static_cast<float>(random.below(9))
        );
    }
    writer.texts("tokenizer.ggml.tokens", tokens);
    writer.floats("tokenizer.ggml.scores", scores);
    if (random.below(4) == 0) {
        writer.remove("tokenizer.ggml.token_type");
    } else {
        writer.i32s("tokenizer.ggml.token_type", types);
    }
    writer.boolean("tokenizer.ggml.add_space_prefix", random.below(2) == 0);
    writer.boolean("tokenizer.ggml.add_bos_token", random.below(2) == 0);
}

void damage_tensor(GgufWriter& writer, const std::string& name, Random& random) {
    switch (random.below(4)) {
    case 0:
        writer.remove_tensor(name);
        return;
    case 1:
        writer.tensor(
            {name,
             {random.below(40), random.below(40)},
             static_cast<std::uint32_t>(random.below(42)),
             std::string(random.below(3000), static_cast<char>(random.below(256)))}
        );
        return;
    case 2:
        writer.tensor(
            {name,
             std::vector<std::uint64_t>(random.below(6), small_or_boundary(random)),
             static_cast<std::uint32_t>(random.below(42)),
             std::string(64, '\x7F')}
        );
        return;
    default: { // weights of the right shape, some of them infinite, NaN, huge or tiny
        std::string data;
        for (int i = 0; i < 32 * 32 * 2; ++i) {
            data += raw(random.below(50) == 0 ? odd_float(random) : 0.01F);
        }
        writer.tensor({name, {8, 8}, 0, data.substr(0, 8 * 8 * 4)});
        return;
    }
    }
}

void damage_structure(GgufWriter& writer, Random& random) {
    for (std::uint64_t changes = 1 + random.below(3); changes > 0; --changes) {
        const std::string key = kKeys[random.below(kKeys.size())];
        switch (random.below(5)) {
        case 0:
            writer.remove(key);
            break;
        case 1:
        case 2:
            set_any_value(writer, key, random);
            break;
        case 3:
            writer.version = static_cast<std::uint32_t>(random.below(5));
            writer.alignment = std::uint64_t{1} << random.below(7);
            writer.u32("general.alignment", static_cast<std::uint32_t>(writer.alignment));
            break;
        default:
            damage_tensor(writer, kTensors[random.below(kTensors.size())], random);
            break;
        }
    }
}

/// Returns the file, unchanged in `valid` of 8 cases. Of the other files half are damaged in their
/// structure and two thirds in their bytes.
std::string damaged_file(GgufWriter& writer, std::uint64_t valid, Random& random) {
    const bool damaged = random.below(8) >= valid;
    const std::uint64_t how = random.below(6);
    if (damaged && how < 3) {
        damage_structure(writer, random);
    }
    std::string bytes = writer.bytes();
    if (damaged && how >= 2) {
        damage_bytes(bytes, writer.header().size(), std::string(bytes), random);
    }
    return bytes;
}

} // namespace

std::string gguf_input(Random& random) {
    GgufWriter writer = valid_model(random);
    return damaged_file(writer, 1, random);
}

std::string tokenizer_input(Random& random) {
    GgufWriter writer = valid_model(random);
    set_vocabulary(writer, random);
    std::string text;
    for (std::uint64_t length = random.below(80); length > 0; --length) {
        text += random.below(5) == 0 ? static_cast<char>(random.below(256))
                                     : "ab <>\xC3\xA4\xFF"[random.below(8)];
    }
    return raw(static_cast<std::uint32_t>(text.size())) + text + damaged_file(writer, 4, random);
}

} // namespace headroom::fuzz
