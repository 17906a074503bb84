#include "model/gguf/finite_weights_check.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include <fmt/format.h>

#include "model/gguf/ggml_types.hpp"
#include "model/gguf/problem_list.hpp"

namespace headroom::model {

namespace {

/// Returns whether the number at this place is not finite. `limit` is WeightFormat::not_finite; the
/// bits above its highest one are the sign.
template <class Word>
bool is_not_finite(const std::byte* at, Word limit) {
    Word word = 0;
    std::memcpy(&word, at, sizeof word);
    const auto magnitude = static_cast<Word>(std::bit_ceil(limit) - 1);
    return (word & magnitude) >= limit;
}

/// Counts the numbers that are not finite among n adjacent numbers. The count has the type of a
/// number, so that compilers can use vectors of that type; n must fit in it.
template <class Word>
std::uint64_t count_words(const std::byte* at, std::size_t n, Word limit) {
    Word count = 0;
    for (std::size_t i = 0; i < n; ++i) {
        count = static_cast<Word>(count + (is_not_finite(at + i * sizeof(Word), limit) ? 1 : 0));
    }
    return count;
}

struct NonFinite {
    std::uint64_t count = 0; ///< number of blocks that are not finite
    std::uint64_t first = 0; ///< number of the first of them
};

template <class Word>
NonFinite search_words(std::span<const std::byte> bytes, Word limit) {
    constexpr std::size_t kAtOnce = 8192;
    NonFinite found;
    const std::size_t words = bytes.size() / sizeof(Word);
    for (std::size_t i = 0; i < words; i += kAtOnce) {
        const std::byte* const at = bytes.data() + i * sizeof(Word);
        const std::uint64_t count = count_words(at, std::min(kAtOnce, words - i), limit);
        if (count > 0 && found.count == 0) {
            found.first = i;
            while (!is_not_finite(bytes.data() + found.first * sizeof(Word), limit)) {
                ++found.first;
            }
        }
        found.count += count;
    }
    return found;
}

/// Searches quantisation blocks whose scales have the type Word.
template <class Word>
NonFinite search_scales(std::span<const std::byte> bytes, const WeightFormat& format) {
    NonFinite found;
    const auto limit = static_cast<Word>(format.not_finite);
    const auto block_bytes = static_cast<std::size_t>(format.bytes);
    const std::uint64_t blocks = bytes.size() / block_bytes;
    for (std::uint64_t i = 0; i < blocks; ++i) {
        const std::byte* const block = bytes.data() + i * block_bytes;
        if (is_not_finite(block + format.numbers[0], limit) ||
            is_not_finite(block + format.numbers[1], limit)) {
            found.first = found.count == 0 ? i : found.first;
            ++found.count;
        }
    }
    return found;
}

/// Searches whole blocks of one type.
NonFinite search(std::span<const std::byte> bytes, const WeightFormat& format) {
    const std::uint32_t limit = format.not_finite;
    if (format.elements > 1) {
        return limit > 0xFF ? search_scales<std::uint16_t>(bytes, format)
                            : search_scales<std::uint8_t>(bytes, format);
    }
    return limit > 0xFFFF ? search_words<std::uint32_t>(bytes, limit)
                          : search_words<std::uint16_t>(bytes, static_cast<std::uint16_t>(limit));
}

} // namespace

FiniteWeightsCheck::FiniteWeightsCheck(const GgufFile& file) : file_(&file) {
    for (const GgufTensor& tensor : file.tensors()) {
        if (weight_type_of(tensor.ggml_type)) {
            tensors_.push_back({&tensor, 0, {}, 0, 0});
        }
    }
    std::ranges::stable_sort(tensors_, {}, [](const TensorScan& s) { return s.tensor->offset; });
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
    const GgmlType& type = *find_ggml_type(scan.tensor->ggml_type);
    const std::size_t block = type.block_bytes;
    const auto search_blocks = [&](std::span<const std::byte> blocks, std::uint64_t first) {
        const NonFinite found = search(blocks, *type.format);
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
        const std::uint64_t elements = find_ggml_type(tensor.ggml_type)->block_elements;
        const std::uint64_t row = scan.first_non_finite * elements /
                                  static_cast<std::uint64_t>(tensor.dimensions.front());
        broken.add(fmt::format(
            "{} has {} {}{}, the first in row {}",
            tensor.name,
            scan.non_finite,
            elements > 1 ? "block scale" : "weight",
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
