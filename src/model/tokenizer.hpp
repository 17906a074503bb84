// The llama (SentencePiece) tokenizer of a GGUF file, both ways: repeated merging of the adjacent
// pair with the best score (leftmost on ties), byte fallback, space prefix, BOS.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/gguf.hpp"

namespace headroom::model {

class Tokenizer {
  public:
    /// Throws InputError if the file has no llama vocabulary or a damaged one.
    explicit Tokenizer(const GgufFile& file);

    /// Ids of a text; with BOS first if the file says so (add_bos_token, default true).
    /// An empty text gives BOS alone. Bytes without a piece or a byte token become the unknown id.
    [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text) const;
    /// Bytes that an id adds to a text; "" for control tokens. `at_start`: the first piece after
    /// BOS loses the space prefix.
    [[nodiscard]] std::string piece(std::int32_t id, bool at_start = false) const;
    [[nodiscard]] std::string decode(std::span<const std::int32_t> ids) const;

    [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(pieces_.size()); }
    [[nodiscard]] std::int32_t bos() const { return bos_; } ///< -1: none
    [[nodiscard]] std::int32_t eos() const { return eos_; } ///< -1: none

  private:
    enum class Type : std::int32_t { normal = 1, unknown, control, user_defined, unused, byte };
    std::vector<std::string> pieces_;
    std::vector<float> scores_;
    std::vector<Type> types_;
    std::unordered_map<std::string, std::int32_t> ids_; ///< looked up, never iterated
    std::int32_t bos_ = -1;
    std::int32_t eos_ = -1;
    std::int32_t unknown_ = 0;
    std::int32_t bytes_[256];
    bool add_bos_ = true;
    bool add_space_prefix_ = true;
};

} // namespace headroom::model
