// Builds valid or deliberately damaged GGUF files in memory, and writes temporary files. The writer
// follows the specification of the format and shares no code with the reader.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headroom::model::test {

/// Returns the little-endian bytes of a value.
template <class T>
std::string raw(T value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

/// Returns the bytes of a text after its length.
std::string raw_text(std::string_view text);

class GgufWriter {
  public:
    // Each of these sets a key and replaces its earlier value.
    void u32(const std::string& key, std::uint32_t value) { put(key, 4, raw(value)); }
    void i32(const std::string& key, std::int32_t value) { put(key, 5, raw(value)); }
    void f32(const std::string& key, float value) { put(key, 6, raw(value)); }
    void boolean(const std::string& key, bool value) { put(key, 7, raw(value)); }
    void text(const std::string& key, std::string_view value) { put(key, 8, raw_text(value)); }
    void texts(const std::string& key, const std::vector<std::string>& values);
    void floats(const std::string& key, const std::vector<float>& values);
    void i32s(const std::string& key, const std::vector<std::int32_t>& values);
    void put(const std::string& key, std::uint32_t code, std::string payload);
    /// Adds an entry, even if the key exists already.
    void append(const std::string& key, std::uint32_t code, std::string payload);
    void remove(const std::string& key);

    struct Tensor {
        std::string name;
        std::vector<std::uint64_t> dimensions; ///< columns first
        std::uint32_t type = 0;
        std::string data;
    };
    void tensor(Tensor tensor); ///< adds a tensor, or replaces that of the same name
    void append_tensor(Tensor tensor) { tensors_.push_back(std::move(tensor)); }
    void remove_tensor(const std::string& name);
    [[nodiscard]] Tensor& find_tensor(const std::string& name);

    std::uint32_t version = 3;
    std::uint64_t alignment = 32; ///< alignment of data; does not set the key general.alignment

    /// Returns the file up to the end of the tensor table.
    [[nodiscard]] std::string header() const;
    /// Returns the whole file.
    [[nodiscard]] std::string bytes() const;

  private:
    struct Entry {
        std::string key;
        std::uint32_t code;
        std::string payload;
    };
    std::vector<Entry> entries_;
    std::vector<Tensor> tensors_;
};

/// A file with the given bytes, which the destructor removes.
class TemporaryFile {
  public:
    explicit TemporaryFile(std::string_view bytes);
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile();
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    void overwrite(std::string_view bytes) const;

  private:
    std::filesystem::path path_;
};

/// Returns the message of the InputError that an action throws, or "" if it throws none.
std::string input_error_of(const std::function<void()>& action);

} // namespace headroom::model::test
