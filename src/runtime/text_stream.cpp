#include "runtime/text_stream.hpp"

#include "base/utf8.hpp"

namespace headroom::runtime {

void TextStream::begin(std::span<const std::int32_t> prompt) {
    at_start_ = prompt.size() == 1 && prompt.front() == tokenizer_->bos();
    if (observer_ != nullptr) {
        observer_->on_prompt(tokenizer_->decode(prompt));
    }
}

void TextStream::show(std::int32_t id) {
    held_back_ += tokenizer_->piece(id, at_start_);
    at_start_ = false;
    ++shown_;
    const std::size_t whole = whole_characters(held_back_);
    if (observer_ != nullptr) {
        observer_->on_token(held_back_.substr(0, whole), shown_);
    }
    held_back_.erase(0, whole);
}

void TextStream::end() {
    if (observer_ != nullptr && !held_back_.empty()) {
        observer_->on_token(held_back_, shown_);
    }
    held_back_.clear();
}

} // namespace headroom::runtime
