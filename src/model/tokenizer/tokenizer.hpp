// The llama (SentencePiece) tokenizer of a GGUF file. It encodes a text by merging (merge.hpp),
// with byte tokens for characters outside the vocabulary, and decodes token ids to text.
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
    /// Throws InputError if the file has no llama vocabulary or a damaged one. Four faults are
    /// accepted, as by other programs. If the file has no scores, all scores are 0. If it has no
    /// token types, names such as "<0x41>" mark the byte tokens. A token of the undefined type 0
    /// counts as normal. A special token outside the vocabulary is ignored with a warning.
    explicit Tokenizer(const GgufFile& file);

    /// Returns the token ids of a text. BOS comes first if the file says so (add_bos_token, true by
    /// default). A byte that belongs to no piece and has no byte token becomes the unknown id.
    /// User-defined tokens in the text are recognised, the longest first. Control and byte tokens
    /// in the text are not recognised, so a prompt cannot insert them. Takes O(n log n) time.
    [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text) const;
    /// Returns the bytes that a token adds to a text; "" for control tokens and the unknown token.
    /// `at_start` is true for the first token after BOS. The space that encode() put before the
    /// text is then left out.
    [[nodiscard]] std::string piece(std::int32_t id, bool at_start = false) const;
    [[nodiscard]] std::string decode(std::span<const std::int32_t> ids) const;

    [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(pieces_.size()); }
    [[nodiscard]] std::int32_t bos() const { return bos_; } ///< -1 if there is none
    [[nodiscard]] std::int32_t eos() const { return eos_; } ///< -1 if there is none
    /// Returns one sentence for each special token that has been ignored.
    [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

  private:
    enum class Type : std::int32_t { normal = 1, unknown, control, user_defined, unused, byte };
    /// Allows a look-up with a string_view, without a copy.
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>()(text);
        }
    };
    struct UserDefined {
        std::string text; ///< with spaces instead of U+2581
        std::int32_t id;
    };

    void read_vocabulary(const GgufFile& file);
    void read_types(const GgufFile& file);
    void read_special(const GgufFile& file);
    void index_pieces();
    [[nodiscard]] std::int32_t special_token(
        const GgufFile& file, std::string_view key, std::int32_t default_id, Type default_type
    );
    [[nodiscard]] std::int32_t find(std::string_view piece) const; ///< -1 if it is not a piece
    /// Returns the longest user-defined token with which the text starts, or null.
    [[nodiscard]] const UserDefined* user_defined_at(std::string_view text) const;
    /// Appends the ids of a text to `ids`. If `prefix` is true, a space is put before the text
    /// first. Precondition: the text contains no user-defined token.
    void encode_plain(std::string_view text, bool prefix, std::vector<std::int32_t>& ids) const;

    std::vector<std::string> pieces_;
    std::vector<float> scores_;
    std::vector<Type> types_;
    /// The normal pieces, which are those that merging can produce. Never iterated: the order of an
    /// unordered map differs between libraries.
    std::unordered_map<std::string, std::int32_t, Hash, std::equal_to<>> ids_;
    std::vector<UserDefined> user_defined_; ///< sorted by text
    std::size_t longest_piece_ = 0;         ///< bytes
    std::int32_t bos_ = -1;
    std::int32_t eos_ = -1;
    std::int32_t unknown_ = 0;
    std::array<std::int32_t, 256> bytes_{}; ///< the id of each byte's token; -1 if there is none
    bool add_bos_ = true;
    bool add_space_prefix_ = true;
    std::vector<std::string> warnings_;
};

} // namespace headroom::model
