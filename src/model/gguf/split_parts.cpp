#include "model/gguf/split_parts.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/error.hpp"
#include "model/gguf/gguf_cursor.hpp"

namespace headroom::model {

namespace {

constexpr std::uint64_t kFirstRead = std::uint64_t{64} << 10;
/// Largest size of metadata and tensor table together. Published files have about 10 MiB, nearly
/// all of it the vocabulary.
constexpr std::uint64_t kMaxMetadata = std::uint64_t{1} << 30;

/// Reads the start of the file until it has the metadata and the tensor table. Reads at most twice
/// their size.
ParsedGguf parse_start(const OpenFile& file, std::vector<std::byte>& start) {
    for (std::uint64_t wanted = kFirstRead;;) {
        const std::size_t before = start.size();
        start.resize(std::min(wanted, file.bytes()));
        file.read(before, std::span(start).subspan(before));
        try {
            return parse_gguf(start, file.bytes(), file.path().string());
        } catch (const MoreBytesNeeded& more) {
            if (more.bytes > kMaxMetadata) {
                throw InputError(fmt::format(
                    "{}: its metadata and its table of tensors take more than {} bytes, expected "
                    "fewer; the file is damaged: copy or download it again",
                    file.path().string(),
                    kMaxMetadata
                ));
            }
            wanted = std::max<std::uint64_t>(2 * wanted, more.bytes);
        }
    }
}

[[noreturn]] void refuse(const GgufPart& part, const std::string& why) {
    throw InputError(fmt::format("{}: {}", part.file.path().string(), why));
}

/// Returns a natural number of the metadata, or `fallback` if the key is absent or not one.
std::uint64_t natural(const GgufPart& part, std::string_view key, std::uint64_t fallback) {
    const auto found = std::ranges::find(part.parsed.metadata, key, [](const auto& entry) {
        return std::string_view(entry.first);
    });
    if (found == part.parsed.metadata.end()) {
        return fallback;
    }
    if (const auto* const number = std::get_if<std::uint64_t>(&found->second)) {
        return *number;
    }
    const auto* const number = std::get_if<std::int64_t>(&found->second);
    return number != nullptr && *number >= 0 ? static_cast<std::uint64_t>(*number) : fallback;
}

std::string ending(std::uint64_t number, std::uint64_t count) {
    return fmt::format("-{:05}-of-{:05}.gguf", number + 1, count);
}

/// Returns the path of a part, from that of part `known`.
std::filesystem::path path_of_part(
    const GgufPart& known, std::uint64_t known_number, std::uint64_t count, std::uint64_t number
) {
    const std::filesystem::path path = known.file.path();
    const std::string name = path.filename().string();
    const std::string old_ending = ending(known_number, count);
    if (!name.ends_with(old_ending)) {
        refuse(
            known,
            fmt::format(
                "it is part {} of {} of a split model, but its name does not end in {}, so the "
                "other parts cannot be found; give the parts the names that they were published "
                "under",
                known_number + 1,
                count,
                old_ending
            )
        );
    }
    const std::string stem = name.substr(0, name.size() - old_ending.size());
    return path.parent_path() / (stem + ending(number, count));
}

GgufPart open_other_part(const GgufPart& first, std::uint64_t number, std::uint64_t count) {
    const std::filesystem::path path = path_of_part(first, 0, count, number);
    if (!std::filesystem::exists(path)) {
        refuse(
            first,
            fmt::format(
                "part {} of {} of the model is missing: {}", number + 1, count, path.string()
            )
        );
    }
    GgufPart part = open_part(path);
    const std::uint64_t own_count = natural(part, "split.count", 1);
    const std::uint64_t own_number = natural(part, "split.no", 0);
    if (own_count != count || own_number != number) {
        refuse(
            part,
            fmt::format(
                "expected part {} of {} of a split model, found part {} of {}",
                number + 1,
                count,
                own_number + 1,
                own_count
            )
        );
    }
    return part;
}

} // namespace

GgufPart open_part(const std::filesystem::path& path) {
    GgufPart part{OpenFile(path), {}, {}};
    part.parsed = parse_start(part.file, part.start);
    return part;
}

void add_other_parts(GgufPart& first) {
    const std::uint64_t count = natural(first, "split.count", 1);
    const std::uint64_t number = natural(first, "split.no", 0);
    if (count <= 1) {
        return;
    }
    if (number != 0) {
        refuse(
            first,
            fmt::format(
                "it is part {} of {} of a split model; give the first part, {}",
                number + 1,
                count,
                path_of_part(first, number, count, 0).string()
            )
        );
    }
    std::vector<GgufTensor>& tensors = first.parsed.tensors;
    std::set<std::string, std::less<>> names;
    for (const GgufTensor& tensor : tensors) {
        names.insert(tensor.name);
    }
    for (std::uint64_t i = 1; i < count; ++i) {
        GgufPart part = open_other_part(first, i, count);
        for (GgufTensor& tensor : part.parsed.tensors) {
            if (!names.insert(tensor.name).second) {
                refuse(
                    part,
                    fmt::format("tensor {} is in another part as well", in_quotes(tensor.name))
                );
            }
            tensor.offset += first.file.bytes();
            tensors.push_back(std::move(tensor));
        }
        first.file.append(part.file);
    }
    const std::uint64_t expected = natural(first, "split.tensors.count", tensors.size());
    if (expected != tensors.size()) {
        refuse(
            first,
            fmt::format(
                "its {} parts have {} tensors together, but split.tensors.count says {}",
                count,
                tensors.size(),
                expected
            )
        );
    }
}

} // namespace headroom::model
