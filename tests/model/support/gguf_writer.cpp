#include "tests/model/support/gguf_writer.hpp"

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <unistd.h>

#include "base/error.hpp"

namespace headroom::model::test {

namespace {

std::string padded(std::string bytes, std::uint64_t alignment) {
    bytes.resize((bytes.size() + alignment - 1) / alignment * alignment, '\0');
    return bytes;
}

template <class T>
std::string raw_array(std::uint32_t code, const std::vector<T>& values) {
    std::string bytes = raw(code) + raw(std::uint64_t{values.size()});
    for (const T value : values) {
        bytes += raw(value);
    }
    return bytes;
}

} // namespace

std::string raw_text(std::string_view text) {
    return raw(std::uint64_t{text.size()}) + std::string(text);
}

void GgufWriter::texts(const std::string& key, const std::vector<std::string>& values) {
    std::string payload = raw(std::uint32_t{8}) + raw(std::uint64_t{values.size()});
    for (const std::string& value : values) {
        payload += raw_text(value);
    }
    put(key, 9, payload);
}

void GgufWriter::floats(const std::string& key, const std::vector<float>& values) {
    put(key, 9, raw_array(6, values));
}

void GgufWriter::i32s(const std::string& key, const std::vector<std::int32_t>& values) {
    put(key, 9, raw_array(5, values));
}

void GgufWriter::put(const std::string& key, std::uint32_t code, std::string payload) {
    for (Entry& entry : entries_) {
        if (entry.key == key) {
            entry = {key, code, std::move(payload)};
            return;
        }
    }
    append(key, code, std::move(payload));
}

void GgufWriter::append(const std::string& key, std::uint32_t code, std::string payload) {
    entries_.push_back({key, code, std::move(payload)});
}

void GgufWriter::remove(const std::string& key) {
    std::erase_if(entries_, [&](const Entry& entry) { return entry.key == key; });
}

void GgufWriter::tensor(Tensor tensor) {
    for (Tensor& old : tensors_) {
        if (old.name == tensor.name) {
            old = std::move(tensor);
            return;
        }
    }
    tensors_.push_back(std::move(tensor));
}

void GgufWriter::remove_tensor(const std::string& name) {
    std::erase_if(tensors_, [&](const Tensor& tensor) { return tensor.name == name; });
}

GgufWriter::Tensor& GgufWriter::find_tensor(const std::string& name) {
    const auto found = std::find_if(tensors_.begin(), tensors_.end(), [&](const Tensor& tensor) {
        return tensor.name == name;
    });
    if (found == tensors_.end()) {
        throw std::logic_error("no tensor " + name);
    }
    return *found;
}

std::string GgufWriter::header() const {
    std::string bytes = "GGUF" + raw(version) + raw(std::uint64_t{tensors_.size()}) +
                        raw(std::uint64_t{entries_.size()});
    for (const Entry& entry : entries_) {
        bytes += raw_text(entry.key) + raw(entry.code) + entry.payload;
    }
    std::uint64_t offset = 0;
    for (const Tensor& tensor : tensors_) {
        bytes += raw_text(tensor.name) + raw(static_cast<std::uint32_t>(tensor.dimensions.size()));
        for (const std::uint64_t length : tensor.dimensions) {
            bytes += raw(length);
        }
        bytes += raw(tensor.type) + raw(offset);
        offset += padded(tensor.data, alignment).size();
    }
    return bytes;
}

std::string GgufWriter::bytes() const {
    std::string bytes = padded(header(), alignment);
    for (const Tensor& tensor : tensors_) {
        bytes += padded(tensor.data, alignment);
    }
    return bytes;
}

TemporaryFile::TemporaryFile(std::string_view bytes) {
    // In memory where there is such a place: thousands of small files are written.
    const std::filesystem::path in_memory = "/dev/shm";
    const std::filesystem::path folder = std::filesystem::is_directory(in_memory)
                                             ? in_memory
                                             : std::filesystem::temp_directory_path();
    std::string name = (folder / "headroom-test-XXXXXX").string();
    const int descriptor = ::mkstemp(name.data());
    if (descriptor < 0) {
        throw std::runtime_error("cannot make a temporary file");
    }
    ::close(descriptor);
    path_ = name;
    overwrite(bytes);
}

TemporaryFile::~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
}

void TemporaryFile::overwrite(std::string_view bytes) const {
    std::ofstream file(path_, std::ios::binary | std::ios::trunc);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!file.flush()) {
        throw std::runtime_error("cannot write a temporary file");
    }
}

std::string input_error_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

} // namespace headroom::model::test
