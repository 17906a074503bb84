#include "support/tiny_model.hpp"

#include <cmath>
#include <cstring>
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "base/random.hpp"

namespace headroom::support {

namespace {

constexpr std::uint32_t kGgufString = 8;
constexpr std::uint32_t kGgufArray = 9;
constexpr std::size_t kAlignment = 32;

class Bytes8 {
  public:
    template <class T>
    void put(T value) {
        const auto* const raw = reinterpret_cast<const char*>(&value);
        bytes.insert(bytes.end(), raw, raw + sizeof value);
    }
    void text(const std::string& value) {
        put<std::uint64_t>(value.size());
        bytes.insert(bytes.end(), value.begin(), value.end());
    }
    void pad() { bytes.resize((bytes.size() + kAlignment - 1) / kAlignment * kAlignment); }
    std::vector<char> bytes;
};

class Writer {
  public:
    explicit Writer(const TinyModel& model) : model_(model) {}

    void write(const std::filesystem::path& path) {
        metadata();
        tensors();
        Bytes8 file;
        file.bytes.insert(file.bytes.end(), {'G', 'G', 'U', 'F'});
        file.put<std::uint32_t>(3);
        file.put<std::uint64_t>(tensor_count_);
        file.put<std::uint64_t>(key_count_);
        append(file, keys_);
        append(file, infos_);
        file.pad();
        append(file, data_);
        std::ofstream out(path, std::ios::binary);
        out.write(file.bytes.data(), static_cast<std::streamsize>(file.bytes.size()));
    }

  private:
    static void append(Bytes8& to, const Bytes8& from) {
        to.bytes.insert(to.bytes.end(), from.bytes.begin(), from.bytes.end());
    }
    void key(const std::string& name, std::uint32_t type) {
        keys_.text(name);
        keys_.put(type);
        ++key_count_;
    }
    void number(const std::string& name, std::int64_t value) {
        key(name, 4);
        keys_.put(static_cast<std::uint32_t>(value));
    }
    void text(const std::string& name, const std::string& value) {
        key(name, kGgufString);
        keys_.text(value);
    }

    void metadata() {
        text("general.architecture", "llama");
        text("general.name", "tiny");
        number("llama.context_length", model_.context);
        number("llama.embedding_length", model_.width);
        number("llama.block_count", model_.layers);
        number("llama.feed_forward_length", model_.ffn_width);
        number("llama.attention.head_count", model_.heads);
        number("llama.attention.head_count_kv", model_.kv_heads);
        number("llama.rope.dimension_count", model_.width / model_.heads);
        number("llama.vocab_size", model_.vocabulary);
        key("llama.attention.layer_norm_rms_epsilon", 6);
        keys_.put(1e-5F);
        key("llama.rope.freq_base", 6);
        keys_.put(10000.0F);
        vocabulary();
    }

    void vocabulary() {
        text("tokenizer.ggml.model", "llama");
        const auto count = static_cast<std::uint64_t>(model_.vocabulary);
        key("tokenizer.ggml.tokens", kGgufArray);
        keys_.put(kGgufString);
        keys_.put(count);
        for (std::uint64_t i = 0; i < count; ++i) {
            keys_.text(
                i == 0    ? "<unk>"
                : i == 1  ? "<s>"
                : i == 2  ? "</s>"
                : i < 259 ? fmt::format("<0x{:02X}>", i - 3)
                          : fmt::format("\xE2\x96\x81w{}", i)
            );
        }
        key("tokenizer.ggml.scores", kGgufArray);
        keys_.put<std::uint32_t>(6);
        keys_.put(count);
        for (std::uint64_t i = 0; i < count; ++i) {
            keys_.put(-static_cast<float>(i));
        }
        key("tokenizer.ggml.token_type", kGgufArray);
        keys_.put<std::uint32_t>(5);
        keys_.put(count);
        for (std::uint64_t i = 0; i < count; ++i) {
            keys_.put<std::int32_t>(i == 0 ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1);
        }
        number("tokenizer.ggml.bos_token_id", 1);
        number("tokenizer.ggml.eos_token_id", 2);
    }

    void tensor(const std::string& name, std::int64_t columns, std::int64_t rows, WeightType type) {
        infos_.text(name);
        infos_.put<std::uint32_t>(rows > 0 ? 2 : 1);
        infos_.put<std::uint64_t>(static_cast<std::uint64_t>(columns));
        if (rows > 0) {
            infos_.put<std::uint64_t>(static_cast<std::uint64_t>(rows));
        }
        infos_.put<std::uint32_t>(type == WeightType::f32 ? 0 : 8);
        infos_.put<std::uint64_t>(data_.bytes.size());
        fill(columns, std::max<std::int64_t>(rows, 1), type, rows == 0);
        data_.pad();
        ++tensor_count_;
    }

    void fill(std::int64_t columns, std::int64_t rows, WeightType type, bool norm) {
        Random random(stream_seed(model_.seed, "tiny model", tensor_count_));
        const float scale = 3.0F / std::sqrt(static_cast<float>(columns));
        for (std::int64_t i = 0; i < rows * columns; ++i) {
            if (type == WeightType::q8_0) {
                if (i % 32 == 0) {
                    // A power of two near scale/64, as half precision: sign 0, exponent, mantissa
                    // 0.
                    const int exponent = static_cast<int>(std::floor(std::log2(scale / 64)));
                    data_.put(static_cast<std::uint16_t>((exponent + 15) << 10));
                }
                data_.put(static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127));
            } else if (norm) {
                data_.put(static_cast<float>(0.8 + 0.4 * random.unit()));
            } else {
                data_.put(static_cast<float>(2 * random.unit() - 1) * scale);
            }
        }
    }

    void tensors() {
        const TinyModel& m = model_;
        const std::int64_t kv = m.width / m.heads * m.kv_heads;
        tensor("token_embd.weight", m.width, m.vocabulary, m.type);
        for (int l = 0; l < m.layers; ++l) {
            const std::string at = fmt::format("blk.{}.", l);
            tensor(at + "attn_norm.weight", m.width, 0, WeightType::f32);
            tensor(at + "attn_q.weight", m.width, m.width, m.type);
            tensor(at + "attn_k.weight", m.width, kv, m.type);
            tensor(at + "attn_v.weight", m.width, kv, m.type);
            tensor(at + "attn_output.weight", m.width, m.width, m.type);
            tensor(at + "ffn_norm.weight", m.width, 0, WeightType::f32);
            tensor(at + "ffn_gate.weight", m.width, m.ffn_width, m.type);
            tensor(at + "ffn_up.weight", m.width, m.ffn_width, m.type);
            tensor(at + "ffn_down.weight", m.ffn_width, m.width, m.type);
        }
        tensor("output_norm.weight", m.width, 0, WeightType::f32);
        if (!m.tied) {
            tensor("output.weight", m.width, m.vocabulary, m.type);
        }
    }

    const TinyModel& model_;
    Bytes8 keys_;
    Bytes8 infos_;
    Bytes8 data_;
    std::uint64_t key_count_ = 0;
    std::uint64_t tensor_count_ = 0;
};

class TemporaryFolder {
  public:
    TemporaryFolder()
        : path_(
              std::filesystem::temp_directory_path() / fmt::format("headroom-test-{}", getpid())
          ) {
        std::filesystem::create_directories(path_);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

} // namespace

void write_tiny_model(const std::filesystem::path& path, const TinyModel& model) {
    Writer(model).write(path);
}

std::filesystem::path temporary_path(const std::string& name) {
    static const TemporaryFolder folder;
    return folder.path() / name;
}

} // namespace headroom::support
