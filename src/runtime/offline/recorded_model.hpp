// Does a trace fit the model file that its run is to go on with?
#pragma once

#include <string>

#include "config/scenario/scenario.hpp"
#include "model/gguf/gguf.hpp"
#include "model/tokenizer/tokenizer.hpp"
#include "trace/records/trace.hpp"

namespace headroom::runtime {

/// Throws InputError if the recorded shape is not the file's, if there is a token outside its
/// vocabulary, or if the recorded prompts are not what its tokenizer makes of the scenario's.
void check_model_and_prompts(
    const trace::Trace& trace, const config::Scenario& scenario, const model::GgufFile& file
);

/// The first text in /requests that is not that of its tokens, in a sentence; or "".
[[nodiscard]] std::string wrong_text(const trace::Trace& trace, const model::Tokenizer& tokenizer);

} // namespace headroom::runtime
