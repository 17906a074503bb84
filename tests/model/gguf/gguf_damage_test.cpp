// Thousands of damaged model files. Each loads or throws InputError, and none causes a large
// allocation. With sanitizers this test also shows that nothing is read out of bounds.
#include <algorithm>
#include <new>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/random.hpp"
#include "model/decoder/weights.hpp"
#include "model/tokenizer/tokenizer.hpp"
#include "tests/model/support/gguf_writer.hpp"
#include "tests/model/support/tiny_model.hpp"
#include "tests/model/support/watched_allocations.hpp"

namespace headroom::model {
namespace {

using test::TemporaryFile;

constexpr std::size_t kMostBytes = 64U << 20;

test::GgufWriter small_model() {
    return test::tiny_model({
        .layers = 1,
        .heads = 2,
        .kv_heads = 1,
        .width = 8,
        .ffn_width = 12,
        .vocabulary = 12,
        .context = 16,
    });
}

/// Does everything that a run does with a file before it computes.
void load(const std::filesystem::path& path) {
    const GgufFile file(path);
    (void)Tokenizer(file).encode("aab b ");
    const Hyperparameters model = read_hyperparameters(file);
    for (const BlockName name :
         {BlockName{BlockKind::embed},
          BlockName{BlockKind::group, 0, 0},
          BlockName{BlockKind::proj, 0},
          BlockName{BlockKind::ffn, 0},
          BlockName{BlockKind::lm_head}}) {
        Block block(model, name, 64, std::pmr::new_delete_resource());
        load_block(file, model, block);
    }
}

struct Outcomes {
    int fine = 0;
    int refused = 0;
};

/// Any other exception than InputError escapes and fails the test.
void try_file(const TemporaryFile& file, const std::string& bytes, Outcomes& outcomes) {
    file.overwrite(bytes);
    try {
        load(file.path());
        ++outcomes.fine;
    } catch (const InputError& error) {
        ASSERT_NE(std::string(error.what()).find(file.path().string()), std::string::npos)
            << error.what();
        ++outcomes.refused;
    }
}

TEST(DamagedModel, truncated_anywhere_is_refused) {
    const test::GgufWriter writer = small_model();
    const std::string bytes = writer.bytes();
    const TemporaryFile file(bytes);
    ASSERT_NO_THROW(load(file.path()));
    Outcomes outcomes;
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        try_file(file, bytes.substr(0, length), outcomes);
    }
    // The last tensor (V·D·4 = 384 bytes) ends at a multiple of 32, so every truncation removes
    // data.
    EXPECT_EQ(outcomes.fine, 0);
    EXPECT_LT(test::largest_allocation(), kMostBytes);
}

TEST(DamagedModel, one_changed_byte_in_the_header_is_refused_or_harmless) {
    const test::GgufWriter writer = small_model();
    const std::string bytes = writer.bytes();
    const TemporaryFile file(bytes);
    Random random(stream_seed(20, "damage"));
    Outcomes outcomes;
    for (std::size_t at = 0; at < writer.header().size(); ++at) {
        const auto noise = static_cast<unsigned char>(1 + random.below(255));
        for (const unsigned char flip :
             {noise, static_cast<unsigned char>(0x80), static_cast<unsigned char>(0x01)}) {
            std::string damaged = bytes;
            damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ flip);
            try_file(file, damaged, outcomes);
        }
    }
    EXPECT_GT(outcomes.refused, 1000); // both outcomes must occur
    EXPECT_GT(outcomes.fine, 100);
    EXPECT_LT(test::largest_allocation(), kMostBytes);
}

TEST(DamagedModel, eight_changed_bytes_in_the_header_are_refused_or_harmless) {
    const test::GgufWriter writer = small_model();
    const std::string bytes = writer.bytes();
    const TemporaryFile file(bytes);
    Random random(stream_seed(21, "damage"));
    Outcomes outcomes;
    for (int i = 0; i < 2000; ++i) {
        // A 64-bit word becomes a huge number, a negative one or one near the size of the file.
        const std::size_t at = random.below(writer.header().size() - 8);
        const std::uint64_t words[] = {
            ~std::uint64_t{0},
            std::uint64_t{1} << 60,
            bytes.size() + random.below(3) - 1,
            random.bits()};
        std::string damaged = bytes;
        damaged.replace(at, 8, test::raw(words[random.below(4)]));
        try_file(file, damaged, outcomes);
    }
    EXPECT_GT(outcomes.refused, 1000);
    EXPECT_LT(test::largest_allocation(), kMostBytes);
}

TEST(DamagedModel, the_watch_on_allocations_sees_a_large_one) {
    const std::size_t before = test::largest_allocation();
    ::operator delete(::operator new(kMostBytes + 1)); // a vector's allocation may be left out
    EXPECT_GT(test::largest_allocation(), kMostBytes);
    test::forget_allocations_above(before);
}

} // namespace
} // namespace headroom::model
