#include "model/gguf/gguf.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "model/gguf/gguf_cursor.hpp"
#include "model/gguf/gguf_value.hpp"
#include "model/gguf/split_parts.hpp"

namespace headroom::model {

struct GgufFile::Contents {
    explicit Contents(const std::filesystem::path& path) : model(open_part(path)) {
        add_other_parts(model);
        for (std::size_t i = 0; i < model.parsed.metadata.size(); ++i) {
            keys.emplace(model.parsed.metadata[i].first, i);
        }
        for (std::size_t i = 0; i < model.parsed.tensors.size(); ++i) {
            tensors.emplace(model.parsed.tensors[i].name, i);
        }
    }
    GgufPart model; ///< the file, or the first part of a split model with the tensors of all parts
    // The keys are views into `model`, which does not change. Never iterated: the order of an
    // unordered map is not the same everywhere.
    std::unordered_map<std::string_view, std::size_t> keys;
    std::unordered_map<std::string_view, std::size_t> tensors;
};

namespace {

const char* type_name(const GgufValue& value) {
    constexpr const char* kNames[] = {
        "an unsigned integer", "an integer", "a number", "a truth value", "a text", "an array"};
    return kNames[value.index()];
}

[[noreturn]] void wrong_type(
    const GgufFile& file,
    std::string_view key,
    const std::string& expected,
    const std::string& found
) {
    throw InputError(fmt::format(
        "{}: metadata {}: expected {}, found {}",
        file.path().string(),
        in_quotes(key),
        expected,
        found
    ));
}

/// Returns the value of a key, or null if the key is absent. Throws InputError if it is not a T.
template <class T>
const T* value_of(const GgufFile& file, std::string_view key, const char* expected) {
    const GgufValue* const value = file.find(key);
    if (value == nullptr) {
        return nullptr;
    }
    const T* const typed = std::get_if<T>(value);
    if (typed == nullptr) {
        wrong_type(file, key, expected, type_name(*value));
    }
    return typed;
}

/// Returns the array of a key, or null if the key is absent. Throws InputError if its elements are
/// of none of the kinds.
const GgufArray* array_of(
    const GgufFile& file,
    std::string_view key,
    const char* expected,
    std::initializer_list<GgufKind> kinds
) {
    const auto* const array = value_of<GgufArray>(file, key, expected);
    if (array != nullptr &&
        std::find(kinds.begin(), kinds.end(), kind_of(array->element_type)) == kinds.end()) {
        wrong_type(file, key, expected, "an array of another type");
    }
    return array;
}

} // namespace

GgufFile::GgufFile(const std::filesystem::path& path)
    : contents_(std::make_unique<Contents>(path)) {}
GgufFile::GgufFile(GgufFile&&) noexcept = default;
GgufFile& GgufFile::operator=(GgufFile&&) noexcept = default;
GgufFile::~GgufFile() = default;

const std::filesystem::path& GgufFile::path() const {
    return contents_->model.file.path();
}

std::uint32_t GgufFile::version() const {
    return contents_->model.parsed.version;
}

const std::vector<std::pair<std::string, GgufValue>>& GgufFile::metadata() const {
    return contents_->model.parsed.metadata;
}

const GgufValue* GgufFile::find(std::string_view key) const {
    const auto found = contents_->keys.find(key);
    return found == contents_->keys.end() ? nullptr : &metadata()[found->second].second;
}

const std::vector<GgufTensor>& GgufFile::tensors() const {
    return contents_->model.parsed.tensors;
}

const GgufTensor* GgufFile::tensor(std::string_view name) const {
    const auto found = contents_->tensors.find(name);
    return found == contents_->tensors.end() ? nullptr : &tensors()[found->second];
}

void GgufFile::read(const GgufTensor& tensor, std::uint64_t first, std::span<std::byte> out) const {
    HEADROOM_CHECK(
        first <= tensor.bytes && out.size() <= tensor.bytes - first,
        "{} B from {} of {}, {} B",
        out.size(),
        first,
        tensor.name,
        tensor.bytes
    );
    contents_->model.file.read(tensor.offset + first, out);
}

std::uint64_t GgufFile::file_bytes() const {
    return contents_->model.file.bytes();
}

const OpenFile& GgufFile::open_file() const {
    return contents_->model.file;
}

std::optional<std::int64_t> GgufFile::integer(std::string_view key) const {
    const GgufValue* const value = find(key);
    if (value == nullptr) {
        return std::nullopt;
    }
    if (const auto* const whole = std::get_if<std::uint64_t>(value)) {
        if (!std::in_range<std::int64_t>(*whole)) {
            wrong_type(*this, key, "an integer below 2^63", fmt::format("{}", *whole));
        }
        return static_cast<std::int64_t>(*whole);
    }
    return *value_of<std::int64_t>(*this, key, "an integer");
}

std::optional<double> GgufFile::number(std::string_view key) const {
    const GgufValue* const value = find(key);
    if (value == nullptr) {
        return std::nullopt;
    }
    if (const auto* const whole = std::get_if<std::uint64_t>(value)) {
        return static_cast<double>(*whole);
    }
    if (const auto* const whole = std::get_if<std::int64_t>(value)) {
        return static_cast<double>(*whole);
    }
    return *value_of<double>(*this, key, "a number");
}

std::optional<bool> GgufFile::boolean(std::string_view key) const {
    const bool* const value = value_of<bool>(*this, key, "a truth value");
    return value != nullptr ? std::optional(*value) : std::nullopt;
}

std::optional<std::string_view> GgufFile::text(std::string_view key) const {
    const auto* const value = value_of<std::string_view>(*this, key, "a text");
    return value != nullptr ? std::optional(*value) : std::nullopt;
}

std::optional<std::vector<std::string_view>> GgufFile::texts(std::string_view key) const {
    const auto* const array = array_of(*this, key, "an array of texts", {GgufKind::text});
    if (array == nullptr) {
        return std::nullopt;
    }
    std::vector<std::string_view> result;
    result.reserve(array->count);
    GgufCursor cursor(array->bytes, array->bytes.size(), path().string());
    for (std::uint64_t i = 0; i < array->count; ++i) {
        result.push_back(cursor.text("a text in an array"));
    }
    return result;
}

std::optional<std::vector<float>> GgufFile::floats(std::string_view key) const {
    const auto* const array = array_of(*this, key, "an array of numbers", {GgufKind::real});
    if (array == nullptr) {
        return std::nullopt;
    }
    std::vector<float> result(array->count);
    for (std::uint64_t i = 0; i < array->count; ++i) {
        result[i] = static_cast<float>(std::get<double>(number_at(*array, i)));
    }
    return result;
}

std::optional<std::vector<std::int32_t>> GgufFile::integers(std::string_view key) const {
    const auto* const array =
        array_of(*this, key, "an array of integers", {GgufKind::natural, GgufKind::integer});
    if (array == nullptr) {
        return std::nullopt;
    }
    std::vector<std::int32_t> result(array->count);
    for (std::uint64_t i = 0; i < array->count; ++i) {
        const GgufValue value = number_at(*array, i);
        const auto* const natural = std::get_if<std::uint64_t>(&value);
        constexpr std::uint64_t kTooLarge = std::uint64_t{1} << 32;
        const auto number = natural == nullptr
                                ? std::get<std::int64_t>(value)
                                : static_cast<std::int64_t>(std::min(*natural, kTooLarge));
        if (!std::in_range<std::int32_t>(number)) {
            wrong_type(*this, key, "integers of 32 bits", "a larger one");
        }
        result[i] = static_cast<std::int32_t>(number);
    }
    return result;
}

} // namespace headroom::model
