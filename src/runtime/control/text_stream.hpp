// The text of a run as its observer sees it: sequence by sequence, whole characters at a time.
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
    /// `observer` may be null: then nobody looks. `live`: sequences come one after the other, and
    /// their text is shown while it comes; else each is shown when it has ended.
    /// `shown`: tokens of the run that have been shown before.
    TextStream(
        const model::Tokenizer& tokenizer,
        Observer* observer,
        bool live = true,
        std::int64_t shown = 0
    )
        : tokenizer_(&tokenizer), observer_(observer), live_(live), shown_(shown) {}

    /// A sequence with this prompt.
    void begin(std::int64_t sequence, std::span<const std::int32_t> prompt);
    /// Its next token. A character that lacks bytes is held back: they may come with the next one.
    void show(std::int64_t sequence, std::int32_t id);
    /// Its end: what is held back is shown as it is.
    void end(std::int64_t sequence);

  private:
    struct Text {
        bool at_start = false; ///< the next token is the first after BOS
        std::string prompt;    ///< not shown yet
        std::string held_back;
    };
    const model::Tokenizer* tokenizer_;
    Observer* observer_;
    bool live_;
    std::int64_t shown_; ///< tokens of the run
    std::map<std::int64_t, Text> texts_;
};

} // namespace headroom::runtime
