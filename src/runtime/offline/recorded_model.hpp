// Checks whether a model file is the one that a trace was made with, before the run is resumed.
#pragma once

#include <string>

#include "config/scenario/scenario.hpp"
#include "model/gguf/gguf.hpp"
#include "model/tokenizer/tokenizer.hpp"
#include "trace/records/trace.hpp"

namespace headroom::runtime {

/// Throws InputError if the recorded shape is not that of the file, if a recorded token is outside
/// the file's vocabulary, or if the file's tokenizer makes other tokens of the scenario's prompts
/// than those recorded.
void check_model_and_prompts(
    const trace::Trace& trace, const config::Scenario& scenario, const model::GgufFile& file
);

/// Returns a sentence about the first text in the trace's /requests that differs from the text of
/// its recorded tokens, or "" if none does.
[[nodiscard]] std::string wrong_text(const trace::Trace& trace, const model::Tokenizer& tokenizer);

} // namespace headroom::runtime
