#include "model/gguf/finite_weights.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

#include "base/check.hpp"
#include "model/gguf/gathered.hpp"
#include "model/gguf/ggml_types.hpp"

namespace headroom::model {

namespace {

/// In which bits of a stored block a number stands that may not be finite: those of its exponent.
struct Format {
    std::uint32_t code;
    std::size_t word;              ///< bytes of such a number
    std::uint32_t exponent;        ///< all ones: NaN or infinite
    std::array<std::size_t, 2> at; ///< where they stand, the same twice if it is one
    bool scale;                    ///< of a quantised block
};

constexpr std::array kFormats{
    Format{0, 4, 0x7F80'0000, {0, 0}, false}, // F32
    Format{1, 2, 0x7C00, {0, 0}, false},      // F16
    Format{30, 2, 0x7F80, {0, 0}, false},     // BF16
    Format{2, 2, 0x7C00, {0, 0}, true},       // Q4_0
    Format{8, 2, 0x7C00, {0, 0}, true},       // Q8_0
    Format{12, 2, 0x7C00, {0, 2}, true},      // Q4_K: d and dmin
    Format{13, 2, 0x7C00, {0, 2}, true},      // Q5_K: d and dmin
    Format{14, 2, 0x7C00, {208, 208}, true},  // Q6_K: d at the end
};

const Format& format_of(std::uint32_t code) {
    const auto* const found = std::find_if(kFormats.begin(), kFormats.end(), [&](const Format& f) {
        return f.code == code;
    });
    HEADROOM_CHECK(found != kFormats.end(), "{}", ggml_type_name(code));
    return *found;
}

template <class Word>
bool is_broken(const std::byte* at, Word exponent) {
    Word word = 0;
    std::memcpy(&word, at, sizeof word);
    return (word & exponent) == exponent;
}

/// Words that follow each other; `n` is small enough for the sum to stay in vectors of their size.
template <class Word>
std::uint64_t count_words(const std::byte* at, std::size_t n, Word exponent) {
    Word broken = 0;
    for (std::size_t i = 0; i < n; ++i) {
        broken = static_cast<Word>(broken + (is_broken(at + i * sizeof(Word), exponent) ? 1 : 0));
    }
    return broken;
}

struct Found {
    std::uint64_t count = 0;
    std::uint64_t first = 0; ///< block
};

template <class Word>
Found search_words(std::span<const std::byte> bytes, Word exponent) {
    constexpr std::size_t kAtOnce = 8192;
    Found found;
    const std::size_t words = bytes.size() / sizeof(Word);
    for (std::size_t i = 0; i < words; i += kAtOnce) {
        const std::byte* const at = bytes.data() + i * sizeof(Word);
        const std::uint64_t broken = count_words(at, std::min(kAtOnce, words - i), exponent);
        if (broken > 0 && found.count == 0) {
            found.first = i;
            while (!is_broken(bytes.data() + found.first * sizeof(Word), exponent)) {
                ++found.first;
            }
        }
        found.count += broken;
    }
    return found;
}

Found search_scales(
    std::span<const std::byte> bytes, const Format& format, std::uint64_t block_bytes
) {
    Found found;
    const auto exponent = static_cast<std::uint16_t>(format.exponent);
    const std::uint64_t blocks = bytes.size() / block_bytes;
    for (std::uint64_t i = 0; i < blocks; ++i) {
        const std::byte* const block = bytes.data() + i * block_bytes;
        if (is_broken(block + format.at[0], exponent) ||
            is_broken(block + format.at[1], exponent)) {
            found.first = found.count == 0 ? i : found.first;
            ++found.count;
        }
    }
    return found;
}

/// In whole blocks.
Found search(std::span<const std::byte> bytes, std::uint32_t code) {
    const Format& format = format_of(code);
    if (format.scale) {
        return search_scales(bytes, format, find_ggml_type(code)->block_bytes);
    }
    return format.word == 4
               ? search_words<std::uint32_t>(bytes, format.exponent)
               : search_words<std::uint16_t>(bytes, static_cast<std::uint16_t>(format.exponent));
}

} // namespace

FiniteWeights::FiniteWeights(const GgufFile& file) : file_(&file) {
    for (const GgufTensor& tensor : file.tensors()) {
        if (weight_type_of(tensor.ggml_type)) {
            tensors_.push_back({&tensor, 0, {}, 0, 0});
        }
    }
    std::stable_sort(tensors_.begin(), tensors_.end(), [](const Passing& a, const Passing& b) {
        return a.tensor->offset < b.tensor->offset;
    });
}

void FiniteWeights::add(std::span<const std::byte> piece) {
    const std::uint64_t end = at_ + piece.size();
    // Tensors may overlap in an odd file, so one that is over is not always the first.
    for (std::size_t i = next_; i < tensors_.size() && tensors_[i].tensor->offset < end; ++i) {
        Passing& passing = tensors_[i];
        const std::uint64_t start = passing.tensor->offset + passing.seen;
        const std::uint64_t stop = std::min(end, passing.tensor->offset + passing.tensor->bytes);
        if (start < stop) {
            take_in(passing, piece.subspan(start - at_, stop - start));
        }
        if (i == next_ && passing.seen == passing.tensor->bytes) {
            ++next_;
        }
    }
    at_ = end;
}

void FiniteWeights::take_in(Passing& passing, std::span<const std::byte> bytes) {
    const std::uint32_t code = passing.tensor->ggml_type;
    const std::size_t block = find_ggml_type(code)->block_bytes;
    const auto look = [&](std::span<const std::byte> blocks, std::uint64_t first) {
        const Found found = search(blocks, code);
        if (found.count > 0 && passing.broken == 0) {
            passing.first = first + found.first;
        }
        passing.broken += found.count;
    };
    std::vector<std::byte>& begun = passing.begun;
    if (!begun.empty()) {
        const auto rest = bytes.first(std::min(block - begun.size(), bytes.size()));
        begun.insert(begun.end(), rest.begin(), rest.end());
        passing.seen += rest.size();
        bytes = bytes.subspan(rest.size());
        if (begun.size() < block) {
            return;
        }
        look(begun, passing.seen / block - 1);
        begun.clear();
    }
    const std::size_t whole = bytes.size() / block * block;
    look(bytes.first(whole), passing.seen / block);
    const auto tail = bytes.subspan(whole);
    begun.assign(tail.begin(), tail.end());
    passing.seen += bytes.size();
}

std::string FiniteWeights::problem() const {
    Gathered broken;
    for (const Passing& passing : tensors_) {
        if (passing.broken == 0) {
            continue;
        }
        const GgufTensor& tensor = *passing.tensor;
        const std::uint64_t row = passing.first * find_ggml_type(tensor.ggml_type)->block_elements /
                                  static_cast<std::uint64_t>(tensor.dimensions.front());
        const bool scale = format_of(tensor.ggml_type).scale;
        broken.add(fmt::format(
            "{} has {} {}{}, the first in row {}",
            tensor.name,
            passing.broken,
            scale ? "block scale" : "weight",
            passing.broken == 1 ? "" : "s",
            row
        ));
    }
    return broken.empty() ? ""
                          : broken.sentence(
                                *file_,
                                "weights that are not finite numbers, so that what it yields would "
                                "be worthless"
                            ) + "; the file is damaged: copy or download it again";
}

} // namespace headroom::model
