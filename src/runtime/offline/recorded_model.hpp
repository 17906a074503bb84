// Checks whether a model file is the one that a trace was made with, before the run is resumed.
#pragma once

#include <string>

#include "config/scenario/scenario.hpp"
#include "model/gguf/gguf.hpp"
#include "model/tokenizer/tokenizer.hpp"
#include "trace/records/trace.hpp"

namespace headroom::runtime {

/// Throws InputError if the recorded model shape is not that of the file, if a recorded token is
/// outside the file's vocabulary, or if the file's tokenizer does not turn the scenario's prompts
/// into the recorded tokens.
void check_model_and_prompts(
    const trace::Trace& trace, const config::Scenario& scenario, const model::GgufFile& file
);

/// Compares each text in the trace's /requests with the text of the sequence's recorded tokens.
/// Returns a sentence about the first text that differs, or "" if none does.
[[nodiscard]] std::string wrong_text(const trace::Trace& trace, const model::Tokenizer& tokenizer);

} // namespace headroom::runtime
