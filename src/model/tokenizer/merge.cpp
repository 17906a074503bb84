#include "model/tokenizer/merge.hpp"

#include <algorithm>
#include <queue>

namespace headroom::model {

namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

/// A piece of the text in a doubly linked list; length 0 once it was merged into its left one.
struct Symbol {
    std::size_t start = 0;
    std::size_t length = 0;
    std::size_t previous = kNone;
    std::size_t next = kNone;
};

/// Two neighbours that can be merged; stale if one of them has changed since.
struct Pair {
    float score = 0;
    std::size_t left = 0;
    std::size_t right = 0;
    std::size_t length = 0;
};

/// The best score last, and of equal scores the leftmost last: a priority queue's top.
struct LessUrgent {
    bool operator()(const Pair& a, const Pair& b) const {
        return a.score != b.score ? a.score < b.score : a.left > b.left;
    }
};

class Merger {
  public:
    Merger(std::string_view text, const PieceScore& score, std::size_t longest)
        : text_(text), score_(&score), longest_(longest) {
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
            consider(i - 1, i);
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
    void consider(std::size_t left, std::size_t right) {
        if (left == kNone || right == kNone) {
            return;
        }
        const std::size_t length = symbols_[left].length + symbols_[right].length;
        if (length > longest_) {
            return;
        }
        if (const float* const score = (*score_)(text_.substr(symbols_[left].start, length))) {
            pairs_.push({*score, left, right, length});
        }
    }

    /// Lengths only grow, or fall to 0, so an unchanged sum means two unchanged symbols.
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
        consider(left.previous, pair.left);
        consider(pair.left, left.next);
    }

    std::string_view text_;
    const PieceScore* score_;
    std::size_t longest_;
    std::vector<Symbol> symbols_;
    std::priority_queue<Pair, std::vector<Pair>, LessUrgent> pairs_;
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
    std::string_view text, const PieceScore& score, std::size_t longest
) {
    return Merger(text, score, longest).run();
}

} // namespace headroom::model
