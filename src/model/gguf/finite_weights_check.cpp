#include "model/gguf/finite_weights_check.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

#include "base/check.hpp"
#include "model/gguf/ggml_types.hpp"
#include "model/gguf/problem_list.hpp"

namespace headroom::model {

namespace {

/// Where the floating-point numbers of a stored block are. A number is NaN or infinite if all bits
/// of its exponent are 1.
struct Format {
    std::uint32_t code;            ///< type code of ggml
    std::size_t word;              ///< bytes of one number
    std::uint32_t exponent;        ///< mask of the exponent's bits
    std::array<std::size_t, 2> at; ///< offsets of the two numbers of a block; equal if it has one
    bool scale;                    ///< whether the numbers are scales of quantisation blocks
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
bool is_not_finite(const std::byte* at, Word exponent) {
    Word word = 0;
    std::memcpy(&word, at, sizeof word);
    return (word & exponent) == exponent;
}

/// Counts the numbers that are not finite among n adjacent numbers. The count has the type of a
/// number, so that compilers can use vectors of that type; n must fit in it.
template <class Word>
std::uint64_t count_words(const std::byte* at, std::size_t n, Word exponent) {
    Word count = 0;
    for (std::size_t i = 0; i < n; ++i) {
        count = static_cast<Word>(count + (is_not_finite(at + i * sizeof(Word), exponent) ? 1 : 0));
    }
    return count;
}

struct NonFinite {
    std::uint64_t count = 0; ///< number of blocks that are not finite
    std::uint64_t first = 0; ///< number of the first of them
};

template <class Word>
NonFinite search_words(std::span<const std::byte> bytes, Word exponent) {
    constexpr std::size_t kAtOnce = 8192;
    NonFinite found;
    const std::size_t words = bytes.size() / sizeof(Word);
    for (std::size_t i = 0; i < words; i += kAtOnce) {
        const std::byte* const at = bytes.data() + i * sizeof(Word);
        const std::uint64_t count = count_words(at, std::min(kAtOnce, words - i), exponent);
        if (count > 0 && found.count == 0) {
            found.first = i;
            while (!is_not_finite(bytes.data() + found.first * sizeof(Word), exponent)) {
                ++found.first;
            }
        }
        found.count += count;
    }
    return found;
}

NonFinite search_scales(
    std::span<const std::byte> bytes, const Format& format, std::uint64_t block_bytes
) {
    NonFinite found;
    const auto exponent = static_cast<std::uint16_t>(format.exponent);
    const std::uint64_t blocks = bytes.size() / block_bytes;
    for (std::uint64_t i = 0; i < blocks; ++i) {
        const std::byte* const block = bytes.data() + i * block_bytes;
        if (is_not_finite(block + format.at[0], exponent) ||
            is_not_finite(block + format.at[1], exponent)) {
            found.first = found.count == 0 ? i : found.first;
            ++found.count;
        }
    }
    return found;
}

/// Searches whole blocks of one type.
NonFinite search(std::span<const std::byte> bytes, std::uint32_t code) {
    const Format& format = format_of(code);
    if (format.scale) {
        return search_scales(bytes, format, find_ggml_type(code)->block_bytes);
    }
    return format.word == 4
               ? search_words<std::uint32_t>(bytes, format.exponent)
               : search_words<std::uint16_t>(bytes, static_cast<std::uint16_t>(format.exponent));
}

} // namespace

FiniteWeightsCheck::FiniteWeightsCheck(const GgufFile& file) : file_(&file) {
    for (const GgufTensor& tensor : file.tensors()) {
        if (weight_type_of(tensor.ggml_type)) {
            tensors_.push_back({&tensor, 0, {}, 0, 0});
        }
    }
    std::stable_sort(
        tensors_.begin(),
        tensors_.end(),
        [](const TensorScan& a, const TensorScan& b) { return a.tensor->offset < b.tensor->offset; }
    );
}

void FiniteWeightsCheck::add(std::span<const std::byte> piece) {
    const std::uint64_t end = file_offset_ + piece.size();
    // Tensors can overlap in an unusual file, so a later tensor may end before an earlier one.
    for (std::size_t i = next_; i < tensors_.size() && tensors_[i].tensor->offset < end; ++i) {
        TensorScan& scan = tensors_[i];
        const std::uint64_t start = scan.tensor->offset + scan.checked_bytes;
        const std::uint64_t stop = std::min(end, scan.tensor->offset + scan.tensor->bytes);
        if (start < stop) {
            check(scan, piece.subspan(start - file_offset_, stop - start));
        }
        if (i == next_ && scan.checked_bytes == scan.tensor->bytes) {
            ++next_;
        }
    }
    file_offset_ = end;
}

void FiniteWeightsCheck::check(TensorScan& scan, std::span<const std::byte> bytes) {
    const std::uint32_t code = scan.tensor->ggml_type;
    const std::size_t block = find_ggml_type(code)->block_bytes;
    const auto search_blocks = [&](std::span<const std::byte> blocks, std::uint64_t first) {
        const NonFinite found = search(blocks, code);
        if (found.count > 0 && scan.non_finite == 0) {
            scan.first_non_finite = first + found.first;
        }
        scan.non_finite += found.count;
    };
    std::vector<std::byte>& partial_block = scan.partial_block;
    if (!partial_block.empty()) {
        const auto rest = bytes.first(std::min(block - partial_block.size(), bytes.size()));
        partial_block.insert(partial_block.end(), rest.begin(), rest.end());
        scan.checked_bytes += rest.size();
        bytes = bytes.subspan(rest.size());
        if (partial_block.size() < block) {
            return;
        }
        search_blocks(partial_block, scan.checked_bytes / block - 1);
        partial_block.clear();
    }
    const std::size_t whole = bytes.size() / block * block;
    search_blocks(bytes.first(whole), scan.checked_bytes / block);
    const auto tail = bytes.subspan(whole);
    partial_block.assign(tail.begin(), tail.end());
    scan.checked_bytes += bytes.size();
}

std::string FiniteWeightsCheck::problem() const {
    ProblemList broken;
    for (const TensorScan& scan : tensors_) {
        if (scan.non_finite == 0) {
            continue;
        }
        const GgufTensor& tensor = *scan.tensor;
        const std::uint64_t row = scan.first_non_finite *
                                  find_ggml_type(tensor.ggml_type)->block_elements /
                                  static_cast<std::uint64_t>(tensor.dimensions.front());
        const bool scale = format_of(tensor.ggml_type).scale;
        broken.add(fmt::format(
            "{} has {} {}{}, the first in row {}",
            tensor.name,
            scan.non_finite,
            scale ? "block scale" : "weight",
            scan.non_finite == 1 ? "" : "s",
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
