// The llama (SentencePiece) tokenizer of a GGUF file, both ways: repeated merging of the adjacent
// pair with the best score (leftmost on ties), byte fallback, space prefix, BOS.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/gguf/gguf.hpp"

namespace headroom::model {

class Tokenizer {
  public:
    /// Throws InputError if the file has no llama vocabulary or a damaged one. What other loaders
    /// forgive is forgiven: without scores all are 0, a token of type 0 is a normal one, and a
    /// special token that is not in the vocabulary is none, with a warning.
    explicit Tokenizer(const GgufFile& file);

    /// Ids of a text; with BOS first if the file says so (add_bos_token, default true).
    /// An empty text gives BOS alone. Bytes without a piece or a byte token become the unknown id,
    /// one by one. User-defined tokens are recognised in the text, the longest first; control and
    /// byte tokens never are, so a text cannot smuggle them in. Time O(n log n) in the text.
    [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text) const;
    /// Bytes that an id adds to a text; "" for control tokens and the unknown one. `at_start`: the
    /// first piece after BOS loses the space prefix.
    [[nodiscard]] std::string piece(std::int32_t id, bool at_start = false) const;
    [[nodiscard]] std::string decode(std::span<const std::int32_t> ids) const;

    [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(pieces_.size()); }
    [[nodiscard]] std::int32_t bos() const { return bos_; } ///< -1: none
    [[nodiscard]] std::int32_t eos() const { return eos_; } ///< -1: none
    /// What is odd about the file and does no harm, one sentence each.
    [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

  private:
    enum class Type : std::int32_t { normal = 1, unknown, control, user_defined, unused, byte };
    /// Lets the vocabulary be asked with a view into the text.
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>()(text);
        }
    };
    struct UserDefined {
        std::string text; ///< with plain spaces
        std::int32_t id;
    };

    void read_vocabulary(const GgufFile& file);
    void read_types(const GgufFile& file);
    void read_special(const GgufFile& file);
    void index_pieces();
    [[nodiscard]] std::int32_t special(
        const GgufFile& file, std::string_view key, std::int32_t usual, Type usual_type
    );
    [[nodiscard]] std::int32_t find(std::string_view piece) const; ///< -1: none
    /// The longest user-defined token at the start of the text, or null.
    [[nodiscard]] const UserDefined* user_defined_at(std::string_view text) const;
    void encode_plain(std::string_view text, bool prefix, std::vector<std::int32_t>& ids) const;

    std::vector<std::string> pieces_;
    std::vector<float> scores_;
    std::vector<Type> types_;
    /// What merging may produce: normal pieces. Looked up, never iterated.
    std::unordered_map<std::string, std::int32_t, Hash, std::equal_to<>> ids_;
    std::vector<UserDefined> user_defined_; ///< sorted by text
    std::size_t longest_piece_ = 0;
    std::int32_t bos_ = -1;
    std::int32_t eos_ = -1;
    std::int32_t unknown_ = 0;
    std::array<std::int32_t, 256> bytes_{}; ///< byte tokens; -1: none
    bool add_bos_ = true;
    bool add_space_prefix_ = true;
    std::vector<std::string> warnings_;
};

} // namespace headroom::model
