// Reads what a file's metadata say about features (model/architectures/features.hpp). A key that
// asks for a computation which the decoder cannot do, or which its architecture does not have, is
// reported as a problem.
#pragma once

#include "model/architectures/hyperparameters.hpp"
#include "model/metadata/keys.hpp"

namespace headroom::model {

/// Adds to `model.features`, and to the window of the shape, what keys say. Preconditions: sizes
/// have been read, and model.architecture is set.
void read_features(Keys& keys, Hyperparameters& model);

/// Reads the rotary embedding, from keys and from the tensors that divide frequencies. Called after
/// read_features.
void read_rope(Keys& keys, Hyperparameters& model);

/// The names of tensors that divide the frequencies of RoPE: of all, or of short and long contexts.
inline constexpr const char* kRopeDivisors = "rope_freqs.weight";
inline constexpr const char* kShortRopeDivisors = "rope_factors_short.weight";
inline constexpr const char* kLongRopeDivisors = "rope_factors_long.weight";

} // namespace headroom::model
