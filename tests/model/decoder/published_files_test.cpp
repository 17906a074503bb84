// The metadata of published files, as loaders print it: each file is accepted, or refused for the
// right reason.
#include <algorithm>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "model/decoder/file_tensors.hpp"
#include "model/metadata/metadata.hpp"
#include "tests/model/decoder/public_models.hpp"
#include "tests/model/support/gguf_writer.hpp"

namespace headroom::model {
namespace {
namespace published {

using test::GgufWriter;
using test::TemporaryFile;
using testing::HasSubstr;

std::filesystem::path dumps() {
    return test::public_model("..") / "headers" / "kv_dumps.json";
}

double number_in(std::string text) {
    std::ranges::replace(text, ',', '.'); // printed in another locale
    return std::stod(text);
}

/// Writes a file with the keys of a dump, without arrays and texts of tokenizers, and with as many
/// tensors as it had; they have other names and one element.
GgufWriter header_of(const nlohmann::json& dump) {
    GgufWriter writer;
    for (const auto& entry : dump["kv"]) {
        const std::string key = entry[0];
        const std::string type = entry[1];
        const std::string value = entry[2];
        if (key.starts_with("tokenizer.") || key.starts_with("split.")) {
            continue;
        }
        if (type == "u32" || type == "u16") {
            writer.u32(key, static_cast<std::uint32_t>(number_in(value)));
        } else if (type == "i32") {
            writer.i32(key, static_cast<std::int32_t>(number_in(value)));
        } else if (type == "f32") {
            writer.f32(key, static_cast<float>(number_in(value)));
        } else if (type == "bool") {
            writer.boolean(key, value == "true");
        } else if (type == "str") {
            writer.text(key, value);
        }
    }
    for (int i = 0; i < dump["n_tensors"]; ++i) {
        writer.tensor({"t" + std::to_string(i), {1}, 0, std::string(4, '\0')});
    }
    return writer;
}

/// Returns why a file is refused, one sentence per line, or "".
std::string refusal_of(const GgufFile& file) {
    std::vector<std::string> problems;
    try {
        (void)read_metadata(file, problems);
    } catch (const InputError& error) {
        problems = error.problems();
    }
    std::string all;
    for (const std::string& problem : problems) {
        all += problem + "\n";
    }
    return all;
}

TEST(PublishedFiles, are_accepted_or_refused_for_the_right_reason) {
    if (!std::filesystem::exists(dumps())) {
        GTEST_SKIP() << "no metadata of published files in " << dumps().string();
    }
    const std::map<std::string, std::string> refused{
        {"deepseek2",
         "\"deepseek2\" (multi-head latent attention (MLA) and a mixture of experts);"},
        {"qwen3moe", "\"qwen3moe\" (a mixture of experts);"},
        {"bitnet-25", "\"bitnet-25\";"},
        {"bitnet-b1.58", "\"bitnet-b1.58\";"},
        {"chatglm", "\"chatglm\";"},
        {"glm4", "\"glm4\";"},
        {"deci", "\"deci\";"},
    };
    std::ifstream file(dumps());
    std::map<std::string, int> accepted;
    int parallel = 0;
    for (const auto& dump : nlohmann::json::parse(file)) {
        const TemporaryFile header(header_of(dump).bytes());
        const GgufFile parsed(header.path());
        const std::string architecture(*parsed.text("general.architecture"));
        const std::string refusal = refusal_of(parsed);
        const std::string name = dump["model_file"];
        if (refused.contains(architecture)) {
            EXPECT_THAT(refusal, HasSubstr("the architecture is " + refused.at(architecture)))
                << name;
        } else if (parsed.find(architecture + ".use_parallel_residual") != nullptr) {
            EXPECT_THAT(refusal, HasSubstr("parallel residuals")) << name;
            ++parallel;
        } else {
            EXPECT_EQ(refusal, "") << name;
            ++accepted[architecture];
        }
    }
    const std::map<std::string, int> expected{
        {"gemma3", 3}, {"llama", 10}, {"phi3", 2}, {"qwen3", 3}};
    EXPECT_EQ(accepted, expected);
    EXPECT_EQ(parallel, 1);
}

TEST(PublishedFiles, have_the_tensors_that_are_expected) {
    if (!std::filesystem::exists(dumps())) {
        GTEST_SKIP() << "no metadata of published files in " << dumps().string();
    }
    std::ifstream file(dumps());
    for (const auto& dump : nlohmann::json::parse(file)) {
        const TemporaryFile header(header_of(dump).bytes());
        std::vector<std::string> problems;
        Hyperparameters model;
        try {
            model = read_metadata(GgufFile(header.path()), problems);
        } catch (const InputError&) {
            continue;
        }
        if (!problems.empty()) {
            continue;
        }
        std::set<std::size_t> numbers;
        for (const bool tied : {false, true}) {
            model.tied = tied;
            const std::size_t count = expected_tensors(model).size();
            numbers.insert({count, count + 1, count + 2}); // with divisors of frequencies
        }
        EXPECT_TRUE(numbers.contains(dump["n_tensors"].get<std::size_t>())) << dump["model_file"];
    }
}

} // namespace published
} // namespace
} // namespace headroom::model
