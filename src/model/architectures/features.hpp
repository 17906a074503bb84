// What decoders compute differently, beyond their sizes (base/model_shape.hpp). The default of each
// field is a decoder of the Llama family.
#pragma once

#include <cstdint>
#include <vector>

namespace headroom::model {

/// Which elements of a head the rotary embedding turns together: x[2i] and x[2i+1], or x[i] and
/// x[i + r/2], where r elements are turned.
enum class RopePairs : std::uint8_t { neighbours, halves };

/// The function of the gate in an FFN; GELU is in its tanh form.
enum class Activation : std::uint8_t { silu, gelu };

enum class RopeScaling : std::uint8_t { none, linear, yarn };

/// The frequencies of the rotary embedding (RoPE). Pair i of r/2 turns by position · f, where f is
/// base^(−2i/r), divided by divisors[i] if there are any, and then scaled. `linear` divides f by
/// `factor`. `yarn` does so only for pairs that turn slowly: fewer than beta_slow times in the
/// original context. It leaves those that turn more than beta_fast times, and blends between.
struct Rope {
    double base = 10000.0;
    RopeScaling scaling = RopeScaling::none;
    double factor = 1.0;
    double original_context = 0; ///< tokens of a context before the model was extended
    double beta_fast = 32.0;
    double beta_slow = 1.0;
    double log_multiplier = 0; ///< m: the magnitude of yarn is divided by 1 + 0.1·m·ln(factor)
    /// All cosines and sines are multiplied by this, and in yarn by 1 + 0.1·ln(factor) as well.
    double magnitude = 1.0;
    std::vector<float> divisors{};      ///< r/2 values, or none
    std::vector<float> long_divisors{}; ///< LongRoPE: used if the model's context is longer than
                                        ///< the original one; r/2 values, or none
    bool operator==(const Rope&) const = default;
};

struct Features {
    RopePairs rope_pairs = RopePairs::neighbours;
    std::int64_t rotated = 0; ///< r, the elements of a head that are turned; 0: all
    Rope rope{};              ///< in layers without a window
    Rope window_rope{};       ///< in layers with a window
    /// Of each such number of layers the last has no RoPE. 0: all have it.
    std::int64_t no_rope_period = 0;
    Activation activation = Activation::silu;
    float attention_scale = 0;   ///< factor of q·k; 0: 1/sqrt(d)
    float attention_softcap = 0; ///< of scores; 0: none
    float final_softcap = 0;     ///< of logits; 0: none
    float embedding_scale = 1;   ///< rows of the embedding are multiplied by this
    float residual_scale = 1; ///< outputs of attention and ffn are multiplied by this, then added
    float logit_scale = 1;    ///< logits are divided by this
    /// Attention temperature: the scores of the token at position p are multiplied by 1 +
    /// temperature_scale · ln(1 + ⌊p / temperature_context⌋). 0: they are not.
    double temperature_scale = 0;
    std::int64_t temperature_context = 0;
    bool operator==(const Features&) const = default;
};

} // namespace headroom::model
