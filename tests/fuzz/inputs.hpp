// Generates inputs that are nearly valid: valid files of the tests' writers and the scenarios of
// data/, which are then damaged. An input is a function of the state of `random`.
#pragma once

#include <string>
#include <vector>

#include "base/random.hpp"

namespace headroom::fuzz {

/// Returns a model file. Its structure (keys, types, shapes, tensors) or its bytes are damaged, or
/// both, or the file is valid.
[[nodiscard]] std::string gguf_input(Random& random);
/// Returns a text and a model file in the format of fuzz_tokenizer().
[[nodiscard]] std::string tokenizer_input(Random& random);
/// Returns a scenario and options in the format of fuzz_scenario().
[[nodiscard]] std::string scenario_input(Random& random);
/// Returns a trace file. Values, tables, links, layouts, filters or attributes are changed through
/// HDF5, metadata is damaged and its checksum updated, the file is cut off, bytes are damaged, or
/// the file is valid.
[[nodiscard]] std::string trace_input(Random& random);

} // namespace headroom::fuzz
