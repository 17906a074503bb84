// Passes sampled tokens to the run's observer as text, in whole UTF-8 characters.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "model/tokenizer/tokenizer.hpp"
#include "runtime/setup/run.hpp"

namespace headroom::runtime {

class TextStream {
  public:
    /// observer: may be null. live: whether text is passed on token by token. This requires that
    /// only one sequence is in flight at a time. If `live` is false, the text of a sequence is
    /// passed on when the sequence has ended. shown: the number of tokens that the observer counts
    /// as sampled already. In a resumed run these are the tokens of the sequences that ended before
    /// the resumption, because the tokens of all other sequences are passed to show() again.
    TextStream(
        const model::Tokenizer& tokenizer,
        Observer* observer,
        bool live = true,
        std::int64_t shown = 0
    )
        : tokenizer_(&tokenizer), observer_(observer), live_(live), shown_(shown) {}

    void begin(std::int64_t sequence, std::span<const std::int32_t> prompt);
    /// Adds a token to a sequence. Bytes of an incomplete character are held back until later
    /// tokens complete it.
    void show(std::int64_t sequence, std::int32_t id);
    /// Ends a sequence and passes on the bytes that were held back.
    void end(std::int64_t sequence);

  private:
    struct PendingText {
        bool at_start = false; ///< the next token is the first one after BOS
        std::string prompt;    ///< text of the prompt
        std::string held_back;
    };
    const model::Tokenizer* tokenizer_;
    Observer* observer_;
    bool live_;
    std::int64_t shown_; ///< number of sampled tokens of the run so far
    std::map<std::int64_t, PendingText> texts_;
};

} // namespace headroom::runtime
