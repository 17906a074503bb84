// The oracle on public trained models, compared with recordings of llama.cpp and, for F32 files, of
// an independent program in double precision. The README.md beside the models states the
// tolerances.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

/// A comparison of the oracle's greedy ids with a recording.
struct Comparison {
    double first_logits_error = 0; ///< largest error of the recorded logits after the prompt
    std::size_t equal_ids = 0;     ///< ids before the first difference
    bool all_equal = false;
    double margin = 0; ///< at the first difference, the logit of our id − that of the recorded id
};

Comparison compare(
    Oracle& oracle, const Ids& prompt, const std::vector<double>& first_logits, const Ids& recorded
) {
    Comparison result;
    oracle.reset();
    auto logits = oracle.append(prompt);
    result.first_logits_error = error_of(logits, first_logits);
    for (const std::int32_t id : recorded) {
        const auto ours = static_cast<std::int32_t>(kernels::argmax(logits));
        if (ours != id) {
            result.margin = double{logits[static_cast<std::size_t>(ours)]} -
                            double{logits[static_cast<std::size_t>(id)]};
            return result;
        }
        ++result.equal_ids;
        if (result.equal_ids < recorded.size()) {
            logits = oracle.append(std::span(&id, 1));
        }
    }
    result.all_equal = true;
    return result;
}

constexpr kernels::Level kLevels[] = {
    kernels::Level::reference,
    kernels::Level::openblas,
    kernels::Level::avx2,
    kernels::Level::avx512,
};

/// Compares the whole recording at the best kernel level, and only its first ids at the slower
/// levels. Other tests show that levels agree.
Comparison compare_greedy(
    const GgufFile& file,
    const nlohmann::json& record,
    kernels::Level level = kernels::best_level(),
    const Slicing& slicing = {}
) {
    Oracle oracle(file, kernels::kernels_for(level), slicing);
    Ids ids = record.at("generated_ids");
    if (level != kernels::best_level()) {
        ids.resize(40);
    }
    return compare(oracle, record.at("prompt_ids"), record.at("first_step_logits_0_to_7"), ids);
}

Comparison compare_exact(
    const GgufFile& file,
    const nlohmann::json& record,
    kernels::Level level = kernels::best_level(),
    const Slicing& slicing = {}
) {
    Oracle oracle(file, kernels::kernels_for(level), slicing);
    const std::vector<double> exact = record.at("exact_first_step_logits");
    EXPECT_EQ(exact.size(), static_cast<std::size_t>(oracle.hyperparameters().vocabulary));
    return compare(oracle, record.at("prompt_ids"), exact, record.at("exact_greedy_ids"));
}

/// Returns the smallest number of slices above 1, and the largest up to 40.
std::vector<std::int32_t> slices_of(const GgufFile& file) {
    const std::int64_t width = read_hyperparameters(file).ffn_width;
    std::vector<std::int32_t> fitting;
    for (std::int32_t slices = 2; slices <= 40; ++slices) {
        if (width % slices == 0) {
            fitting.push_back(slices);
        }
    }
    return {fitting.front(), fitting.back()};
}

TEST(PublicModels, in_f32_decode_the_recorded_ids_over_the_whole_length) {
    HEADROOM_NEEDS_PUBLIC_MODELS();
    int records = 0;
    for (const auto& record : public_record("greedy.json")) {
        const std::string model = record.at("model");
        if (!model.ends_with("-f32.gguf")) {
            continue;
        }
        const GgufFile file(public_model(model));
        for (const Slicing& slicing : {Slicing{}, Slicing{slices_of(file).front()}}) {
            const Comparison result = compare_greedy(file, record, kernels::best_level(), slicing);
            EXPECT_TRUE(result.all_equal)
                << model << " " << record.at("prompt") << " in " << slicing.slices << " slices at "
                << result.equal_ids << " margin " << result.margin;
            EXPECT_LT(result.first_logits_error, 1e-3) << model << " " << record.at("prompt");
            ++records;
        }
    }
    EXPECT_EQ(records, 18);
}

std::string content_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Returns the file with adjacent weights exchanged in the first tensor of each type but F32. In
/// types of 4 bits, and in the low 4 bits of Q5_K and Q6_K, the nibbles of every byte are
/// exchanged, in other types the two weights of every pair.
std::string with_exchanged_weights(const std::filesystem::path& path) {
    std::string bytes = content_of(path);
    const GgufFile sound(path);
    for (const TensorTypeUse& use : tensor_type_uses(sound)) {
        const GgufTensor& tensor = *sound.tensor(use.first_tensor);
        const auto exchange = [&](std::size_t block, std::size_t first, std::size_t last) {
            for (std::size_t at = 0; at < tensor.bytes; at += block) {
                for (std::size_t i = tensor.offset + at + first; i < tensor.offset + at + last;
                     ++i) {
                    const auto byte = static_cast<unsigned char>(bytes[i]);
                    bytes[i] = static_cast<char>(byte << 4 | byte >> 4);
                }
            }
        };
        const auto rotate_pairs = [&](std::size_t block, std::size_t first, std::size_t element) {
            for (std::size_t at = tensor.offset; at < tensor.offset + tensor.bytes; at += block) {
                for (std::size_t i = first; i < block; i += 2 * element) {
                    const auto start = bytes.begin() + static_cast<std::ptrdiff_t>(at + i);
                    const auto width = static_cast<std::ptrdiff_t>(element);
                    std::rotate(start, start + width, start + 2 * width);
                }
            }
        };
        if (use.name == "Q4_0") {
            exchange(18, 2, 18);
        } else if (use.name == "Q4_K") {
            exchange(144, 16, 144);
        } else if (use.name == "Q5_K") {
            exchange(176, 48, 176);
        } else if (use.name == "Q6_K") {
            exchange(210, 0, 128);
        } else if (use.name == "Q8_0") {
            rotate_pairs(34, 2, 1);
        } else if (use.name == "F16" || use.name == "BF16") {
            rotate_pairs(4, 0, 2);
        }
    }
    return bytes;
}

/// The largest margin at the first difference. These recordings were made with rounded or quantised
/// activations.
const std::map<std::string, double> kMaxMargin{
    {"babyllama-f16.gguf", 0.04}, {"babyllama-q8_0.gguf", 0.4}, {"babyllama-q4_0.gguf", 1.2}};

TEST(PublicModels, in_small_types_differ_from_the_recording_only_within_its_rounding) {
    HEADROOM_NEEDS_PUBLIC_MODELS();
    int records = 0;
    for (const auto& record : public_record("greedy.json")) {
        const std::string model = record.at("model");
        const auto limit = kMaxMargin.find(model);
        if (limit == kMaxMargin.end()) {
            continue;
        }
        const GgufFile file(public_model(model));
        for (const kernels::Level level : kLevels) {
            if (!kernels::available(level)) {
                continue;
            }
            const Comparison result = compare_greedy(file, record, level);
            EXPECT_TRUE(result.all_equal || result.margin < limit->second)
                << model << " " << kernels::name_of(level) << " at " << result.equal_ids
                << " margin " << result.margin;
        }
        const test::TemporaryFile damaged(with_exchanged_weights(public_model(model)));
        const Comparison twin = compare_greedy(GgufFile(damaged.path()), record);
        EXPECT_FALSE(twin.all_equal || twin.margin < limit->second)
            << model << ": exchanged weights pass, margin " << twin.margin;
        ++records;
    }
    EXPECT_EQ(records, 3);
}

TEST(PublicModels, give_the_exact_logits_and_ids_of_every_type_at_every_level) {
    HEADROOM_NEEDS_PUBLIC_MODELS();
    int records = 0;
    for (const auto& record : public_record("logits.json")) {
        const std::string model = record.at("model");
        const GgufFile file(public_model(model));
        for (const kernels::Level level : kLevels) {
            if (!kernels::available(level)) {
                continue;
            }
            const Comparison result = compare_exact(file, record, level);
            EXPECT_LT(result.first_logits_error, 1e-3) << model << kernels::name_of(level);
            EXPECT_TRUE(result.all_equal)
                << model << " " << kernels::name_of(level) << " " << record.at("prompt") << " at "
                << result.equal_ids << " margin " << result.margin;
        }
        ++records;
    }
    EXPECT_EQ(records, 15);
}

TEST(PublicModels, give_the_exact_logits_and_ids_in_slices_too) {
    HEADROOM_NEEDS_PUBLIC_MODELS();
    int records = 0;
    for (const auto& record : public_record("logits.json")) {
        const std::string model = record.at("model");
        const GgufFile file(public_model(model));
        for (const std::int32_t slices : slices_of(file)) {
            const Comparison result =
                compare_exact(file, record, kernels::best_level(), Slicing{slices});
            EXPECT_LT(result.first_logits_error, 1e-3) << model << " in " << slices;
            EXPECT_TRUE(result.all_equal) << model << " in " << slices << " at " << result.equal_ids
                                          << " margin " << result.margin;
            ++records;
        }
    }
    EXPECT_EQ(records, 30);
}

TEST(PublicModels, with_neighbouring_weights_exchanged_fail_the_comparison_of_logits) {
    HEADROOM_NEEDS_PUBLIC_MODELS();
    int records = 0;
    for (const auto& record : public_record("logits.json")) {
        const std::string model = record.at("model");
        if (model.ends_with("-f32.gguf")) {
            continue; // the next test has these
        }
        const test::TemporaryFile damaged(with_exchanged_weights(public_model(model)));
        const Comparison result = compare_exact(GgufFile(damaged.path()), record);
        EXPECT_GT(result.first_logits_error, 1e-1) << model;
        ++records;
    }
    EXPECT_EQ(records, 13);
}

TEST(PublicModels, with_perturbed_weights_fail_both_comparisons) {
    HEADROOM_NEEDS_PUBLIC_MODELS();
    const auto path = public_model("stories260K-f32.gguf");
    std::string bytes = content_of(path);
    const GgufFile sound(path);
    const GgufTensor& tensor = *sound.tensor("blk.2.ffn_down.weight");
    for (std::size_t i = 0; i < tensor.bytes; i += 4) { // every weight of one matrix, by a fifth
        float weight = 0;
        std::memcpy(&weight, &bytes[tensor.offset + i], 4);
        bytes.replace(tensor.offset + i, 4, test::raw(weight * 1.2F));
    }
    const test::TemporaryFile perturbed(bytes);
    const auto record = public_record("greedy.json").at(1);
    ASSERT_EQ(record.at("model"), "stories260K-f32.gguf");
    const Comparison result = compare_greedy(GgufFile(perturbed.path()), record);
    EXPECT_GT(result.first_logits_error, 1e-2);
    EXPECT_FALSE(result.all_equal);
}

TEST(PublicModels, with_one_perturbed_weight_fail_the_comparison_of_logits) {
    HEADROOM_NEEDS_PUBLIC_MODELS();
    const auto path = public_model("random256-f32.gguf");
    std::string bytes = content_of(path);
    const GgufFile sound(path);
    bytes.replace(sound.tensor("blk.0.attn_norm.weight")->offset, 4, test::raw(2.0F));
    const test::TemporaryFile perturbed(bytes);
    Oracle oracle(GgufFile(perturbed.path()), kernels::kernels_for(kernels::best_level()));
    const auto record = public_record("logits.json").at(0);
    ASSERT_EQ(record.at("model"), "random256-f32.gguf");
    const std::vector<double> exact = record.at("exact_first_step_logits");
    const Ids prompt = record.at("prompt_ids");
    EXPECT_GT(error_of(oracle.append(prompt), exact), 2e-3);
}

} // namespace
} // namespace headroom::model
