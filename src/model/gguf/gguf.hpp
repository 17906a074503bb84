// Reading GGUF files (v2, v3), distrusted: every length and offset is checked against the file
// before it is used, so no input crashes or allocates absurdly. Metadata and tensor table are held
// in memory, weights are read when they are asked for.
// Source: the GGUF specification of the ggml project. Errors are InputError with file, byte offset
// and what was expected.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/weight_type.hpp"
#include "model/gguf/open_file.hpp"

namespace headroom::model {

struct GgufTensor {
    std::string name;
    std::vector<std::int64_t> dimensions; ///< innermost (columns) first, as in the file
    std::uint32_t ggml_type = 0;          ///< code in the file
    std::uint64_t offset = 0;             ///< in the file, from its start
    std::uint64_t bytes = 0;
};

/// Strings and arrays are views into the file's metadata, as GgufFile holds it.
struct GgufArray {
    std::uint32_t element_type = 0;
    std::uint64_t count = 0;
    std::span<const std::byte> bytes; ///< as in the file; strings: length-prefixed one by one
};
using GgufValue =
    std::variant<std::uint64_t, std::int64_t, double, bool, std::string_view, GgufArray>;

/// Name of a ggml type code ("Q4_K"), or "type 99" if unknown.
[[nodiscard]] std::string ggml_type_name(std::uint32_t code);

class GgufFile {
  public:
    explicit GgufFile(const std::filesystem::path& path);
    GgufFile(GgufFile&&) noexcept;
    GgufFile& operator=(GgufFile&&) noexcept;
    ~GgufFile();

    [[nodiscard]] const std::filesystem::path& path() const;
    [[nodiscard]] std::uint32_t version() const;
    [[nodiscard]] const std::vector<std::pair<std::string, GgufValue>>& metadata() const;
    [[nodiscard]] const GgufValue* find(std::string_view key) const;
    [[nodiscard]] const std::vector<GgufTensor>& tensors() const;
    [[nodiscard]] const GgufTensor* tensor(std::string_view name) const;
    /// The stored bytes of a tensor from its byte `first` on. Throws EnvironmentError.
    void read(const GgufTensor& tensor, std::uint64_t first, std::span<std::byte> out) const;
    [[nodiscard]] std::uint64_t file_bytes() const;
    [[nodiscard]] const OpenFile& opened() const;

    /// Typed getters: nothing if absent; InputError naming key, file and types if of another type.
    [[nodiscard]] std::optional<std::int64_t> integer(std::string_view key) const;
    [[nodiscard]] std::optional<double> number(std::string_view key) const;
    [[nodiscard]] std::optional<bool> boolean(std::string_view key) const;
    [[nodiscard]] std::optional<std::string_view> text(std::string_view key) const;
    [[nodiscard]] std::optional<std::vector<std::string_view>> texts(std::string_view key) const;
    [[nodiscard]] std::optional<std::vector<float>> floats(std::string_view key) const;
    [[nodiscard]] std::optional<std::vector<std::int32_t>> integers(std::string_view key) const;

  private:
    struct Contents;
    std::unique_ptr<Contents> contents_;
};

} // namespace headroom::model
