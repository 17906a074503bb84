#include "runtime/control/text_stream.hpp"

#include "base/utf8.hpp"

namespace headroom::runtime {

void TextStream::begin(std::int64_t sequence, std::span<const std::int32_t> prompt) {
    PendingText& text = texts_[sequence];
    text.at_start = prompt.size() == 1 && prompt.front() == tokenizer_->bos();
    text.prompt = tokenizer_->decode(prompt);
    if (observer_ != nullptr && live_) {
        observer_->on_prompt(text.prompt);
    }
}

void TextStream::show(std::int64_t sequence, std::int32_t id) {
    PendingText& text = texts_[sequence];
    text.held_back += tokenizer_->piece(id, text.at_start);
    text.at_start = false;
    ++shown_;
    const std::size_t whole = live_ ? complete_prefix_length(text.held_back) : 0;
    if (observer_ != nullptr) {
        observer_->on_token(text.held_back.substr(0, whole), shown_);
    }
    text.held_back.erase(0, whole);
}

void TextStream::end(std::int64_t sequence) {
    const PendingText& text = texts_[sequence];
    if (observer_ != nullptr && !live_) {
        observer_->on_text(sequence, text.prompt + text.held_back);
    } else if (observer_ != nullptr && !text.held_back.empty()) {
        observer_->on_token(text.held_back, shown_);
    }
    texts_.erase(sequence);
}

} // namespace headroom::runtime
