// Models of every weight type, with exact logits, ids and dequantised values recorded beside them:
// the files of folder quant of the public models. Its README.md states the tolerances.
#include <bit>
#include <cmath>
#include <cstring>

#include <gtest/gtest.h>

#include "model/decoder/file_tensors.hpp"
#include "model/decoder/oracle.hpp"
#include "model/decoder/weights.hpp"
#include "tests/model/decoder/public_models.hpp"
#include "tests/model/support/gguf_writer.hpp"

namespace headroom::model {
namespace {

using test::error_of;
using test::public_model;
using test::public_record;
using Ids = std::vector<std::int32_t>;

constexpr const char* kQuantModels[] = {
    "gemma3_q4_k",        "gemma3_q8_0",        "llama_bf16",         "llama_f16",
    "llama_iq4_nl",       "llama_iq4_xs",       "llama_mixed_q3_k_m", "llama_mixed_q4_0_imatrix",
    "llama_mixed_q4_k_m", "llama_mixed_q5_k_m", "llama_mxfp4",        "llama_q2_k",
    "llama_q3_k",         "llama_q4_0",         "llama_q4_1",         "llama_q4_k",
    "llama_q5_0",         "llama_q5_1",         "llama_q5_k",         "llama_q6_k",
    "llama_q8_0",         "qwen3_q4_k",         "qwen3_q8_0",
};

/// Returns the path below the folder of public models, without ending. File names have '-' between
/// words and '_' in types; a test's name must not contain '-'.
std::string stem_of(std::string name) {
    name[name.find('_')] = '-';
    for (const char* word : {"mixed_", "_imatrix"}) {
        if (const std::size_t at = name.find(word); at != std::string::npos) {
            name[name.find('_', at)] = '-';
        }
    }
    return "quant/" + name;
}

std::uint32_t value_bits(float value) {
    return value == 0.0F ? 0 : std::bit_cast<std::uint32_t>(value);
}

std::uint32_t recorded_bits(const nlohmann::json& hexadecimal) {
    const auto bits = std::stoul(hexadecimal.get<std::string>(), nullptr, 16);
    return value_bits(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
}

/// Returns all values of a tensor in stored order.
std::vector<float> values_of(const GgufFile& file, const GgufTensor& tensor) {
    std::vector<std::byte> data(tensor.bytes);
    file.read(tensor, 0, data);
    const WeightType type = weight_type_of(tensor.ggml_type).value();
    const std::int64_t columns = tensor.dimensions.front();
    const auto rows = static_cast<std::int64_t>(tensor.bytes) / row_bytes(type, columns);
    std::vector<float> values(static_cast<std::size_t>(rows * columns));
    for (std::int64_t row = 0; row < rows; ++row) {
        kernels::expand_row({type, data.data(), rows, columns}, row, values.data() + row * columns);
    }
    return values;
}

/// Returns the sum of bits(v[i])·(2i + 1) modulo 2⁶⁴, which depends on the order of the values.
std::uint64_t positional_sum(std::span<const float> values) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        sum += value_bits(values[i]) * (2 * static_cast<std::uint64_t>(i) + 1);
    }
    return sum;
}

struct Decoded {
    double error = 0; ///< the largest of all logits after the prompt
    Ids ids;
};

Decoded decode(const GgufFile& file, const nlohmann::json& record, Oracle& oracle) {
    const std::vector<double> exact = record.at("logits_last_numpy");
    const Ids prompt = record.at("prompt");
    auto logits = oracle.append(prompt);
    EXPECT_EQ(logits.size(), exact.size()) << file.path();
    Decoded decoded{error_of(logits, exact), {}};
    const std::size_t wanted = record.at("greedy_numpy").size();
    while (true) {
        decoded.ids.push_back(static_cast<std::int32_t>(kernels::argmax(logits)));
        if (decoded.ids.size() == wanted) {
            return decoded;
        }
        logits = oracle.append(std::span(&decoded.ids.back(), 1));
    }
}

class QuantModels : public testing::TestWithParam<const char*> {
  protected:
    void SetUp() override {
        HEADROOM_NEEDS_PUBLIC_MODELS();
        record = public_record(stem_of(GetParam()) + ".json");
        const std::string architecture = record.at("architecture");
        if (find_architecture(architecture) == nullptr) {
            GTEST_SKIP() << "architecture " << architecture << " cannot be computed yet";
        }
        path = public_model(stem_of(GetParam()) + ".gguf");
    }
    std::filesystem::path path;
    nlohmann::json record;
};

TEST_P(QuantModels, give_the_exact_logits_and_ids_at_every_level) {
    const GgufFile file(path);
    for (const kernels::Level level :
         {kernels::Level::reference,
          kernels::Level::openblas,
          kernels::Level::avx2,
          kernels::Level::avx512}) {
        if (!kernels::available(level)) {
            continue;
        }
        Oracle oracle(file, kernels::kernels_for(level));
        const Decoded decoded = decode(file, record, oracle);
        EXPECT_LT(decoded.error, 1e-3) << kernels::name_of(level);
        EXPECT_EQ(decoded.ids, record.at("greedy_numpy").get<Ids>()) << kernels::name_of(level);
    }
}

TEST_P(QuantModels, give_the_exact_logits_and_ids_in_slices_too) {
    const GgufFile file(path);
    for (const std::int32_t slices : {2, 32}) { // slices of 8 or 16 columns cut every block
        Oracle oracle(file, kernels::kernels_for(kernels::best_level()), Slicing{slices});
        const Decoded decoded = decode(file, record, oracle);
        EXPECT_LT(decoded.error, 1e-3) << slices;
        EXPECT_EQ(decoded.ids, record.at("greedy_numpy").get<Ids>()) << slices;
    }
}

TEST_P(QuantModels, give_the_exact_first_logits_of_every_position_token_by_token) {
    Oracle oracle(GgufFile(path), kernels::kernels_for(kernels::best_level()));
    const Ids prompt = record.at("prompt");
    for (std::size_t i = 0; i < prompt.size(); ++i) {
        const auto logits = oracle.append(std::span(&prompt[i], 1));
        EXPECT_LT(error_of(logits, record.at("logits_every_position_first8_numpy").at(i)), 1e-3)
            << "position " << i;
    }
}

TEST_P(QuantModels, have_the_recorded_types_and_dequantised_values) {
    const GgufFile file(path);
    for (const auto& [name, type] : record.at("types").items()) {
        const WeightType stored = weight_type_of(file.tensor(name)->ggml_type).value();
        EXPECT_EQ(headroom::name_of(stored), type.get<std::string>()) << name;
    }
    for (const auto& [type, recorded] : record.at("dequantised").items()) {
        const auto values = values_of(file, *file.tensor(recorded.at("tensor").get<std::string>()));
        for (std::size_t i = 0; i < recorded.at("first64").size(); ++i) {
            EXPECT_EQ(value_bits(values[i]), recorded_bits(recorded.at("first64").at(i)))
                << type << " value " << i;
        }
    }
    const auto& sums = record.at("dequantised_positional_sums");
    EXPECT_EQ(sums.size(), file.tensors().size());
    for (const auto& [name, sum] : sums.items()) {
        std::vector<float> values = values_of(file, *file.tensor(name));
        const auto recorded = std::stoull(sum.get<std::string>(), nullptr, 16);
        EXPECT_EQ(positional_sum(values), recorded) << name;
        values[values.size() / 2] = std::nextafter(values[values.size() / 2], 1e9F); // twin
        EXPECT_NE(positional_sum(values), recorded) << name;
    }
}

INSTANTIATE_TEST_SUITE_P(
    Recorded,
    QuantModels,
    testing::ValuesIn(kQuantModels),
    [](const auto& test) { return std::string(test.param); }
);

TEST(QuantModelFiles, are_all_tested_here) {
    HEADROOM_NEEDS_PUBLIC_MODELS();
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(public_model("quant"))) {
        files += entry.path().extension() == ".gguf" ? 1U : 0U;
    }
    EXPECT_EQ(files, std::size(kQuantModels));
}

std::vector<std::byte> hexadecimal_bytes(const std::string& hexadecimal) {
    std::vector<std::byte> bytes;
    for (std::size_t i = 0; i < hexadecimal.size(); i += 2) {
        bytes.push_back(static_cast<std::byte>(std::stoul(hexadecimal.substr(i, 2), nullptr, 16)));
    }
    return bytes;
}

/// Returns how many of a recorded block's values differ from ours.
int different_values(
    WeightType type, const nlohmann::json& block, std::span<const std::byte> data
) {
    const auto& values = block.at("values");
    const auto columns = static_cast<std::int64_t>(values.size());
    std::vector<float> ours(values.size());
    kernels::expand_row({type, data.data(), 1, columns}, 0, ours.data());
    int different = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        different += value_bits(ours[i]) == recorded_bits(values[i]) ? 0 : 1;
    }
    return different;
}

TEST(QuantBlocks, have_the_recorded_values) {
    HEADROOM_NEEDS_PUBLIC_MODELS();
    std::size_t types = 0;
    const nlohmann::json record = public_record("quant/blocks.json");
    for (const auto& [name, recorded] : record.items()) {
        const WeightFormat* const format =
            std::ranges::find(kWeightFormats, name, &WeightFormat::name);
        ASSERT_NE(format, kWeightFormats.end()) << name;
        EXPECT_EQ(format->ggml_code, recorded.at("ggml_type")) << name;
        if (format->elements > 1) {
            EXPECT_EQ(format->elements, recorded.at("values_per_block")) << name;
            EXPECT_EQ(format->bytes, recorded.at("bytes_per_block")) << name;
        }
        for (const auto& block : recorded.at("blocks")) {
            std::vector<std::byte> data = hexadecimal_bytes(block.at("bytes"));
            EXPECT_EQ(different_values(format->type, block, data), 0) << name << block.at("bytes");
        }
        const auto& block = recorded.at("blocks").at(3);
        std::vector<std::byte> spoiled = hexadecimal_bytes(block.at("bytes"));
        std::swap(spoiled[spoiled.size() / 2], spoiled[spoiled.size() / 2 + 1]);
        EXPECT_GT(different_values(format->type, block, spoiled), 0) << name << " in another order";
        ++types;
    }
    EXPECT_EQ(types, kWeightFormats.size() - 1) << "all but F32";
}

} // namespace
} // namespace headroom::model
