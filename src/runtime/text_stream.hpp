// The text of a run as its observer sees it: sequence by sequence, whole characters at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "model/tokenizer.hpp"
#include "runtime/session.hpp"

namespace headroom::runtime {

class TextStream {
  public:
    /// `observer` may be null: then nobody looks.
    TextStream(const model::Tokenizer& tokenizer, Observer* observer)
        : tokenizer_(&tokenizer), observer_(observer) {}

    /// A sequence with this prompt.
    void begin(std::span<const std::int32_t> prompt);
    /// Its next token. A character that lacks bytes is held back: they may come with the next one.
    void show(std::int32_t id);
    /// Its end: what is held back is shown as it is.
    void end();

  private:
    const model::Tokenizer* tokenizer_;
    Observer* observer_;
    bool at_start_ = false;  ///< the next token is the first after BOS
    std::int64_t shown_ = 0; ///< tokens of the run
    std::string held_back_;
};

} // namespace headroom::runtime
