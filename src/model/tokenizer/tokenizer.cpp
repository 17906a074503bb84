#include "model/tokenizer/tokenizer.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "model/gguf/gguf_cursor.hpp"
#include "model/tokenizer/merge.hpp"

namespace headroom::model {

namespace {

constexpr std::string_view kSpace = "\xE2\x96\x81"; ///< U+2581, which pieces have for a space

[[noreturn]] void fail(const GgufFile& file, const std::string& problem) {
    throw InputError(fmt::format("{}: the tokenizer: {}", file.path().string(), problem));
}

std::string with_plain_spaces(std::string_view piece) {
    std::string text;
    for (std::size_t at = 0; at < piece.size();) {
        if (piece.substr(at).starts_with(kSpace)) {
            text += ' ';
            at += kSpace.size();
        } else {
            text += piece[at++];
        }
    }
    return text;
}

/// Returns the byte that a byte token such as "<0x41>" names, or nullopt for other pieces.
std::optional<unsigned> named_byte(std::string_view piece) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    if (piece.size() != 6 || !piece.starts_with("<0x") || piece.back() != '>') {
        return std::nullopt;
    }
    const std::size_t high = kDigits.find(piece[3]);
    const std::size_t low = kDigits.find(piece[4]);
    if (high == std::string_view::npos || low == std::string_view::npos) {
        return std::nullopt;
    }
    return static_cast<unsigned>(high * 16 + low);
}

} // namespace

Tokenizer::Tokenizer(const GgufFile& file) {
    const auto model = file.text("tokenizer.ggml.model");
    if (!model) {
        fail(file, "tokenizer.ggml.model is missing: the file has no vocabulary");
    }
    if (*model != "llama") {
        fail(
            file,
            fmt::format(
                "its kind is {}; only \"llama\" (SentencePiece) can be read", in_quotes(*model)
            )
        );
    }
    add_bos_ = file.boolean("tokenizer.ggml.add_bos_token").value_or(true);
    add_space_prefix_ = file.boolean("tokenizer.ggml.add_space_prefix").value_or(true);
    read_vocabulary(file);
    read_types(file);
    read_special(file);
    index_pieces();
}

void Tokenizer::read_vocabulary(const GgufFile& file) {
    const auto tokens = file.texts("tokenizer.ggml.tokens");
    if (!tokens || tokens->empty()) {
        fail(file, "tokenizer.ggml.tokens is missing or empty");
    }
    pieces_.assign(tokens->begin(), tokens->end());
    scores_ = file.floats("tokenizer.ggml.scores").value_or(std::vector<float>(pieces_.size()));
    if (scores_.size() != pieces_.size()) {
        fail(file, fmt::format("expected {} scores, found {}", pieces_.size(), scores_.size()));
    }
    const auto broken =
        std::find_if(scores_.begin(), scores_.end(), [](float score) { return std::isnan(score); });
    if (broken != scores_.end()) {
        fail(file, fmt::format("score {} is not a number", broken - scores_.begin()));
    }
}

void Tokenizer::read_types(const GgufFile& file) {
    const auto types = file.integers("tokenizer.ggml.token_type");
    if (!types) {
        // Without types in the file a byte token is known by its name; all other tokens are text.
        for (const std::string& piece : pieces_) {
            types_.push_back(named_byte(piece) ? Type::byte : Type::normal);
        }
        return;
    }
    if (types->size() != pieces_.size()) {
        fail(file, fmt::format("expected {} token types, found {}", pieces_.size(), types->size()));
    }
    for (std::size_t i = 0; i < types->size(); ++i) {
        constexpr std::int32_t kUndefined = 0; // some converters write this for normal tokens
        const std::int32_t given = (*types)[i];
        const auto type = given == kUndefined ? static_cast<std::int32_t>(Type::normal) : given;
        if (type < 1 || type > 6) {
            fail(file, fmt::format("token {}: expected a type from 0 to 6, found {}", i, type));
        }
        if (type == static_cast<std::int32_t>(Type::byte) && !named_byte(pieces_[i])) {
            fail(
                file,
                fmt::format(
                    "token {}: expected a byte's name as \"<0x41>\", found {}",
                    i,
                    in_quotes(pieces_[i])
                )
            );
        }
        types_.push_back(static_cast<Type>(type));
    }
}

/// Returns the id that the file states for a special token. If it states none, returns the default
/// id if that token has the default type, else -1.
std::int32_t Tokenizer::special_token(
    const GgufFile& file, std::string_view key, std::int32_t default_id, Type default_type
) {
    const auto id = file.integer(key);
    if (!id) {
        const bool fits =
            default_id < size() && types_[static_cast<std::size_t>(default_id)] == default_type;
        return fits ? default_id : -1;
    }
    if (*id < 0 || *id >= size()) {
        warnings_.push_back(fmt::format(
            "{}: {} is {}, but there are {} tokens (0 to {}); taken as none",
            file.path().string(),
            key,
            *id,
            size(),
            size() - 1
        ));
        return -1;
    }
    return static_cast<std::int32_t>(*id);
}

void Tokenizer::read_special(const GgufFile& file) {
    bos_ = special_token(file, "tokenizer.ggml.bos_token_id", 1, Type::control);
    eos_ = special_token(file, "tokenizer.ggml.eos_token_id", 2, Type::control);
    unknown_ = special_token(file, "tokenizer.ggml.unknown_token_id", 0, Type::unknown);
    const auto set_type = [&](std::int32_t id, Type type) {
        if (id >= 0 && types_[static_cast<std::size_t>(id)] == Type::normal) {
            types_[static_cast<std::size_t>(id)] = type; // the file has no types
        }
    };
    set_type(bos_, Type::control);
    set_type(eos_, Type::control);
    set_type(unknown_, Type::unknown);
    unknown_ = std::max(unknown_, 0);
}

void Tokenizer::index_pieces() {
    bytes_.fill(-1);
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
        const auto id = static_cast<std::int32_t>(i);
        const std::string& piece = pieces_[i];
        if (types_[i] == Type::byte) {
            bytes_[*named_byte(piece)] = id;
        } else if (types_[i] == Type::user_defined && !piece.empty()) {
            user_defined_.push_back({with_plain_spaces(piece), id});
        } else if (types_[i] == Type::normal && !piece.empty()) {
            ids_.insert_or_assign(piece, id); // the last of equal pieces is used, as in llama.cpp
            longest_piece_ = std::max(longest_piece_, piece.size());
        }
    }
    std::ranges::sort(user_defined_, {}, [](const UserDefined& token) {
        return std::tie(token.text, token.id);
    });
}

std::int32_t Tokenizer::find(std::string_view piece) const {
    const auto found = ids_.find(piece);
    return found == ids_.end() ? -1 : found->second;
}

const Tokenizer::UserDefined* Tokenizer::user_defined_at(std::string_view text) const {
    // The tokens that start with the first i bytes of the text are a range of the sorted list. A
    // token that is exactly these bytes is the first of the range.
    auto first = user_defined_.begin();
    auto last = user_defined_.end();
    const UserDefined* longest = nullptr;
    for (std::size_t i = 0; i < text.size() && first != last; ++i) {
        const auto next = static_cast<unsigned char>(text[i]);
        const auto byte = [i](const UserDefined& token) {
            return i < token.text.size() ? static_cast<unsigned char>(token.text[i]) : -1;
        };
        first = std::partition_point(first, last, [&](const auto& t) { return byte(t) < next; });
        last = std::partition_point(first, last, [&](const auto& t) { return byte(t) <= next; });
        if (first != last && first->text.size() == i + 1) {
            longest = &*first;
        }
    }
    return longest;
}

void Tokenizer::encode_plain(std::string_view text, bool prefix, std::vector<std::int32_t>& ids)
    const {
    std::string escaped(prefix ? kSpace : "");
    for (const char c : text) {
        c == ' ' ? escaped += kSpace : escaped += c;
    }
    const auto score = [this](std::string_view piece) {
        const std::int32_t id = find(piece);
        return id < 0 ? nullptr : &scores_[static_cast<std::size_t>(id)];
    };
    for (const std::string_view symbol : merge_pieces(escaped, score, longest_piece_)) {
        const std::int32_t id = find(symbol);
        if (id >= 0) {
            ids.push_back(id);
            continue;
        }
        for (const char c : symbol) {
            const std::int32_t byte = bytes_[static_cast<unsigned char>(c)];
            ids.push_back(byte >= 0 ? byte : unknown_);
        }
    }
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text) const {
    std::vector<std::int32_t> ids;
    if (add_bos_ && bos_ >= 0) {
        ids.push_back(bos_);
    }
    std::size_t plain = 0; // start of the text that is not encoded yet
    const auto flush = [&](std::size_t end) {
        if (end > plain) {
            encode_plain(text.substr(plain, end - plain), add_space_prefix_ && plain == 0, ids);
        }
    };
    std::size_t at = 0;
    while (at < text.size() && !user_defined_.empty()) {
        if (const UserDefined* const token = user_defined_at(text.substr(at))) {
            flush(at);
            ids.push_back(token->id);
            at += token->text.size();
            plain = at;
        } else {
            ++at;
        }
    }
    flush(text.size());
    return ids;
}

std::string Tokenizer::piece(std::int32_t id, bool at_start) const {
    HEADROOM_CHECK(id >= 0 && id < size(), "token id {} of {}", id, size());
    const auto i = static_cast<std::size_t>(id);
    std::string_view piece = pieces_[i];
    switch (types_[i]) {
    case Type::control:
    case Type::unknown:
        return "";
    case Type::byte:
        return {static_cast<char>(*named_byte(piece))};
    case Type::normal:
        if (at_start && add_space_prefix_ && piece.starts_with(kSpace)) {
            piece.remove_prefix(kSpace.size());
        }
        break;
    case Type::user_defined:
    case Type::unused:
        break;
    }
    return with_plain_spaces(piece);
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids) const {
    std::string text;
    bool at_start = true;
    for (const std::int32_t id : ids) {
        text += piece(id, at_start);
        at_start = at_start && types_[static_cast<std::size_t>(id)] == Type::control;
    }
    return text;
}

} // namespace headroom::model
