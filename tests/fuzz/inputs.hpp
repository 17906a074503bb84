// Inputs that are nearly sound: made by the writers of the tests and from the scenarios in data/,
// then damaged. An input is a function of the stream that it is drawn from.
#pragma once

#include <string>
#include <vector>

#include "base/random.hpp"

namespace headroom::fuzz {

/// A model file: damaged in its structure (keys, types, shapes, tensors), in its bytes, in both, or
/// sound.
[[nodiscard]] std::string gguf_input(Random& random);
/// A text and a model file, as fuzz_tokenizer takes them.
[[nodiscard]] std::string tokenizer_input(Random& random);
/// A scenario's text and options, as fuzz_scenario takes them.
[[nodiscard]] std::string scenario_input(Random& random);
/// A trace file: its values nudged or made extreme, its tables, links, layouts, filters, sizes and
/// attributes changed through HDF5, its metadata damaged behind checksums that fit, cut off at a
/// page or anywhere, its bytes damaged, or sound.
[[nodiscard]] std::string trace_input(Random& random);

} // namespace headroom::fuzz
