#include "model/gguf/gguf_parse.hpp"

#include <algorithm>
#include <limits>
#include <string_view>
#include <unordered_set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"
#include "model/gguf/ggml_types.hpp"
#include "model/gguf/gguf_cursor.hpp"
#include "model/gguf/gguf_value.hpp"

namespace headroom::model {

namespace {

constexpr std::size_t kMaxDimensions = 4;
constexpr std::uint64_t kDefaultAlignment = 32;
constexpr std::uint64_t kMaxAlignment = 1U << 20;

[[noreturn]] void not_a_gguf(std::span<const std::byte> bytes, const std::string& name) {
    const auto first = bytes.first(std::min<std::size_t>(bytes.size(), 4));
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    std::string hint = "give a model in GGUF format (llama.cpp's convert_hf_to_gguf.py makes one)";
    if (text.starts_with("version https://git-lfs")) {
        hint = "it is a Git LFS pointer: fetch the model itself with `git lfs pull`";
    } else if (text.starts_with("lmgg") || text.starts_with("tjgg") || text.starts_with("fmgg")) {
        hint = "it is an older format of ggml: convert the model to GGUF again";
    }
    std::vector<unsigned> codes;
    for (const std::byte b : first) {
        codes.push_back(std::to_integer<unsigned>(b));
    }
    throw InputError(fmt::format(
        "{}: not a GGUF file: expected \"GGUF\" (47 47 55 46) as its first bytes, found {} "
        "({:02x}); {}",
        name,
        in_quotes(text.substr(0, 4)),
        fmt::join(codes, " "),
        hint
    ));
}

std::uint32_t read_version(GgufCursor& cursor, const std::string& name) {
    const auto version = cursor.number<std::uint32_t>("the format version");
    if (version == 2 || version == 3) {
        return version;
    }
    if (version != 0 && (version & 0xFFFFU) == 0) {
        throw InputError(fmt::format(
            "{}: at byte 4: this GGUF file is big-endian; convert the model again as "
            "little-endian (without --bigendian)",
            name
        ));
    }
    const std::string advice = version == 1 ? "convert the model again with a current llama.cpp"
                                            : "the file is damaged or newer than this program";
    throw InputError(fmt::format(
        "{}: at byte 4: expected GGUF version 2 or 3, found version {}; {}", name, version, advice
    ));
}

void read_metadata(
    GgufCursor& cursor, std::uint64_t count, std::span<const std::byte> file, ParsedGguf& parsed
) {
    std::unordered_set<std::string_view> seen;
    for (std::uint64_t i = 0; i < count; ++i) {
        cursor.set_subject(fmt::format("metadata entry {} of {}", i + 1, count));
        const std::uint64_t at = cursor.position();
        const std::string_view key = cursor.text("a key");
        if (key.empty() || !seen.insert(key).second) {
            cursor.fail(at, "a key that is new", key.empty() ? "an empty one" : in_quotes(key));
        }
        cursor.set_subject(fmt::format("metadata {}", in_quotes(key)));
        parsed.metadata.emplace_back(std::string(key), read_gguf_value(cursor, file));
    }
    cursor.set_subject("");
}

/// Returns the value of general.alignment, or the default if the metadata has no such key.
std::uint64_t read_alignment(const GgufCursor& cursor, const ParsedGguf& parsed) {
    for (const auto& [key, value] : parsed.metadata) {
        if (key != "general.alignment") {
            continue;
        }
        const auto* const alignment = std::get_if<std::uint64_t>(&value);
        if (alignment == nullptr || !std::has_single_bit(*alignment) ||
            *alignment > kMaxAlignment) {
            cursor.fail(
                cursor.position(),
                fmt::format("general.alignment to be a power of two up to {}", kMaxAlignment),
                alignment != nullptr ? fmt::format("{}", *alignment) : "another type"
            );
        }
        return *alignment;
    }
    return kDefaultAlignment;
}

std::vector<std::int64_t> read_dimensions(GgufCursor& cursor) {
    const std::uint64_t at = cursor.position();
    const auto count = cursor.number<std::uint32_t>("a number of dimensions");
    if (count < 1 || count > kMaxDimensions) {
        cursor.fail(at, "1 to 4 dimensions", fmt::format("{}", count));
    }
    std::vector<std::int64_t> dimensions;
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint64_t where = cursor.position();
        const auto length = cursor.number<std::uint64_t>("a dimension");
        if (length < 1 || length > std::numeric_limits<std::int64_t>::max()) {
            cursor.fail(where, "a dimension of at least 1", fmt::format("{}", length));
        }
        dimensions.push_back(static_cast<std::int64_t>(length));
    }
    return dimensions;
}

/// Returns the stored bytes of a tensor, or 0 if its type is unknown. Throws InputError on
/// overflow.
std::uint64_t stored_bytes(const GgufCursor& cursor, std::uint64_t at, const GgufTensor& tensor) {
    const GgmlType* const type = find_ggml_type(tensor.ggml_type);
    if (type == nullptr) {
        return 0;
    }
    const auto columns = static_cast<std::uint64_t>(tensor.dimensions.front());
    if (columns % type->block_elements != 0) {
        cursor.fail(
            at,
            fmt::format(
                "rows of a multiple of {} ({})", type->block_elements, ggml_type_name(type->code)
            ),
            fmt::format("rows of {}", columns)
        );
    }
    std::uint64_t bytes = columns / type->block_elements;
    bool overflow = __builtin_mul_overflow(bytes, type->block_bytes, &bytes);
    for (std::size_t i = 1; i < tensor.dimensions.size(); ++i) {
        const auto length = static_cast<std::uint64_t>(tensor.dimensions[i]);
        overflow = __builtin_mul_overflow(bytes, length, &bytes) || overflow;
    }
    if (overflow) {
        cursor.fail(
            at,
            "a tensor that fits the file",
            fmt::format("dimensions {}", fmt::join(tensor.dimensions, " x "))
        );
    }
    return bytes;
}

/// Reads one entry of the tensor table. Its `offset` counts from the start of the tensor data.
GgufTensor read_tensor(GgufCursor& cursor, std::uint64_t alignment) {
    GgufTensor tensor;
    const std::uint64_t at = cursor.position();
    tensor.name = cursor.text("a tensor's name");
    cursor.set_subject(fmt::format("tensor {}", in_quotes(tensor.name)));
    tensor.dimensions = read_dimensions(cursor);
    tensor.ggml_type = cursor.number<std::uint32_t>("a tensor's type");
    const std::uint64_t offset_at = cursor.position();
    tensor.offset = cursor.number<std::uint64_t>("a tensor's offset");
    if (tensor.offset % alignment != 0) {
        cursor.fail(
            offset_at,
            fmt::format("an offset that is a multiple of {}", alignment),
            fmt::format("{}", tensor.offset)
        );
    }
    tensor.bytes = stored_bytes(cursor, at, tensor);
    return tensor;
}

/// Makes the offsets of tensors count from the start of the file, and checks that their data lies
/// within the file.
void resolve_offsets(
    GgufCursor& cursor, std::uint64_t alignment, std::uint64_t file_bytes, ParsedGguf& parsed
) {
    const std::uint64_t start = (cursor.position() + alignment - 1) / alignment * alignment;
    for (GgufTensor& tensor : parsed.tensors) {
        cursor.set_subject("");
        const std::uint64_t room = start > file_bytes ? 0 : file_bytes - start;
        if (tensor.offset > room || tensor.bytes > room - tensor.offset) {
            const std::uint64_t left = tensor.offset > room ? 0 : room - tensor.offset;
            cursor.fail(
                std::min(tensor.offset, room) + std::min(start, file_bytes),
                fmt::format(
                    "{} bytes of tensor {} ({}, {})",
                    tensor.bytes,
                    in_quotes(tensor.name),
                    ggml_type_name(tensor.ggml_type),
                    fmt::join(tensor.dimensions, " x ")
                ),
                fmt::format("{} bytes until the end of the file", left)
            );
        }
        tensor.offset += start;
    }
}

} // namespace

ParsedGguf parse_gguf(
    std::span<const std::byte> start, std::uint64_t file_bytes, const std::string& name
) {
    const std::string_view text(reinterpret_cast<const char*>(start.data()), start.size());
    if (!text.starts_with("GGUF")) {
        not_a_gguf(start, name);
    }
    GgufCursor cursor(start, file_bytes, name);
    (void)cursor.read_bytes(4, "the magic number");
    ParsedGguf parsed;
    parsed.version = read_version(cursor, name);
    // The smallest tensor entry has a name's length, the number of dimensions, one dimension, type
    // and offset. The smallest metadata entry has a key's length, a type and one byte.
    const std::uint64_t tensors = cursor.count("a number of tensors", 8 + 4 + 8 + 4 + 8);
    const std::uint64_t entries = cursor.count("a number of metadata entries", 8 + 4 + 1);
    read_metadata(cursor, entries, start, parsed);
    const std::uint64_t alignment = read_alignment(cursor, parsed);
    std::unordered_set<std::string> seen;
    for (std::uint64_t i = 0; i < tensors; ++i) {
        cursor.set_subject(fmt::format("tensor {} of {}", i + 1, tensors));
        const std::uint64_t at = cursor.position();
        GgufTensor tensor = read_tensor(cursor, alignment);
        if (!seen.insert(tensor.name).second) {
            cursor.fail(at, "a tensor name that is new", in_quotes(tensor.name));
        }
        parsed.tensors.push_back(std::move(tensor));
    }
    resolve_offsets(cursor, alignment, file_bytes, parsed);
    return parsed;
}

} // namespace headroom::model
