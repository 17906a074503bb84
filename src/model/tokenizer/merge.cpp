#include "model/tokenizer/merge.hpp"

#include <algorithm>
#include <queue>

namespace headroom::model {

namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

/// A symbol in a doubly linked list. Its length is 0 after it was merged into the one on its left.
struct Symbol {
    std::size_t start = 0;
    std::size_t length = 0;
    std::size_t previous = kNone;
    std::size_t next = kNone;
};

/// Two adjacent symbols that can be merged. A pair is stale if one of them was merged in between.
struct Pair {
    float score = 0;
    std::size_t left = 0;   ///< index of the left symbol
    std::size_t right = 0;  ///< index of the right symbol
    std::size_t length = 0; ///< bytes of both symbols
};

/// Orders pairs so that the top of the queue has the best score and, of equal scores, is leftmost.
struct LowerPriority {
    bool operator()(const Pair& a, const Pair& b) const {
        return a.score != b.score ? a.score < b.score : a.left > b.left;
    }
};

class Merger {
  public:
    Merger(std::string_view text, const PieceScore& score, std::size_t max_piece_bytes)
        : text_(text), score_(&score), max_piece_bytes_(max_piece_bytes) {
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t length = character_bytes(text.substr(at));
            const std::size_t i = symbols_.size();
            symbols_.push_back({at, length, i == 0 ? kNone : i - 1, i + 1});
            at += length;
        }
        if (!symbols_.empty()) {
            symbols_.back().next = kNone;
        }
        for (std::size_t i = 1; i < symbols_.size(); ++i) {
            queue_pair(i - 1, i);
        }
    }

    std::vector<std::string_view> run() {
        while (!pairs_.empty()) {
            const Pair pair = pairs_.top();
            pairs_.pop();
            if (is_current(pair)) {
                merge(pair);
            }
        }
        std::vector<std::string_view> result;
        for (const Symbol& symbol : symbols_) {
            if (symbol.length > 0) {
                result.push_back(text_.substr(symbol.start, symbol.length));
            }
        }
        return result;
    }

  private:
    void queue_pair(std::size_t left, std::size_t right) {
        if (left == kNone || right == kNone) {
            return;
        }
        const std::size_t length = symbols_[left].length + symbols_[right].length;
        if (length > max_piece_bytes_) {
            return;
        }
        if (const float* const score = (*score_)(text_.substr(symbols_[left].start, length))) {
            pairs_.push({*score, left, right, length});
        }
    }

    /// Whether the pair is not stale. A symbol grows or gets the length 0, so both symbols are
    /// unchanged if neither is empty and the sum of their lengths is the same.
    [[nodiscard]] bool is_current(const Pair& pair) const {
        const std::size_t left = symbols_[pair.left].length;
        const std::size_t right = symbols_[pair.right].length;
        return left > 0 && right > 0 && left + right == pair.length;
    }

    void merge(const Pair& pair) {
        Symbol& left = symbols_[pair.left];
        Symbol& right = symbols_[pair.right];
        left.length += right.length;
        right.length = 0;
        left.next = right.next;
        if (left.next != kNone) {
            symbols_[left.next].previous = pair.left;
        }
        queue_pair(left.previous, pair.left);
        queue_pair(pair.left, left.next);
    }

    std::string_view text_;
    const PieceScore* score_;
    std::size_t max_piece_bytes_;
    std::vector<Symbol> symbols_;
    std::priority_queue<Pair, std::vector<Pair>, LowerPriority> pairs_;
};

} // namespace

std::size_t character_bytes(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t announced = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    std::size_t length = 1;
    while (length < announced && length < text.size() &&
           (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) {
        ++length;
    }
    return length == announced ? length : 1;
}

std::vector<std::string_view> merge_pieces(
    std::string_view text, const PieceScore& score, std::size_t max_piece_bytes
) {
    return Merger(text, score, max_piece_bytes).run();
}

} // namespace headroom::model
