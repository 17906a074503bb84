// Reads GGUF files, versions 2 and 3. Every length and offset is checked against the size of the
// file before it is used, so a damaged file can neither crash the program nor make it allocate too
// much. The metadata and the tensor table are kept in memory; weights are read on request. The code
// follows the GGUF specification of the ggml project.
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
    std::vector<std::int64_t> dimensions; ///< innermost dimension (columns) first, as in the file
    std::uint32_t ggml_type = 0;          ///< type code, see ggml_types.hpp
    std::uint64_t offset = 0; ///< byte offset of the data from the start of the (first) file
    std::uint64_t bytes = 0;  ///< stored bytes; 0 if the type is unknown
};

struct GgufArray {
    std::uint32_t element_type = 0;   ///< type code of GGUF
    std::uint64_t count = 0;          ///< number of elements
    std::span<const std::byte> bytes; ///< the stored elements; each string follows its length
};
/// A value of the metadata. Strings and arrays are views into memory that GgufFile owns.
using GgufValue =
    std::variant<std::uint64_t, std::int64_t, double, bool, std::string_view, GgufArray>;

/// Returns the name of a ggml type code, such as "Q4_K", or "type 99" if the code is unknown.
[[nodiscard]] std::string ggml_type_name(std::uint32_t code);

class GgufFile {
  public:
    /// Opens the file and reads its metadata and tensor table. If the file is the first part of a
    /// split model (split_parts.hpp), the parts beside it are read as if they were one file. Throws
    /// InputError if the file cannot be opened, is not a GGUF file or is damaged. For a damaged
    /// file the message has the byte offset and what was expected there. Throws EnvironmentError if
    /// reading fails, or if memory or file descriptors run out.
    explicit GgufFile(const std::filesystem::path& path);
    GgufFile(GgufFile&&) noexcept;
    GgufFile& operator=(GgufFile&&) noexcept;
    ~GgufFile();

    [[nodiscard]] const std::filesystem::path& path() const;
    [[nodiscard]] std::uint32_t version() const;
    [[nodiscard]] const std::vector<std::pair<std::string, GgufValue>>& metadata() const;
    [[nodiscard]] const GgufValue* find(std::string_view key) const; ///< null if absent
    [[nodiscard]] const std::vector<GgufTensor>& tensors() const;
    [[nodiscard]] const GgufTensor* tensor(std::string_view name) const; ///< null if absent
    /// Fills `out` with stored bytes of a tensor, from its byte `first` on. Throws EnvironmentError
    /// if the file cannot be read.
    void read(const GgufTensor& tensor, std::uint64_t first, std::span<std::byte> out) const;
    [[nodiscard]] std::uint64_t file_bytes() const; ///< of all parts together
    [[nodiscard]] const OpenFile& open_file() const;

    // These functions return the value of a metadata key, or nullopt if the key is absent. They
    // throw InputError with the names of file, key and types if the value has another type.
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
