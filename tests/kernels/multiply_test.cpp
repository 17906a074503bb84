// Matrix times vectors: close to exact arithmetic, the same bits in all own levels, and a row's and
// a token's bits whatever else is in the call.
#include <sys/mman.h>

#include "kernels/half.hpp"
#include "naive.hpp"
#include "support.hpp"

namespace headroom::kernels {
namespace {

struct Problem {
    WeightType type;
    std::int64_t rows;
    std::int64_t columns;
    std::int64_t tokens;
    std::int64_t x_stride;
    std::int64_t y_stride;
    std::vector<std::byte> weights;
    std::vector<float> x; ///< one float more than needed in front: rows start 4 bytes off
};

Problem problem_of(WeightType type, std::int64_t rows, std::int64_t columns, std::int64_t tokens) {
    const auto seed = static_cast<std::uint64_t>(rows * 1000 + columns * 10 + tokens);
    const std::int64_t x_stride = columns + 3;
    return {
        .type = type,
        .rows = rows,
        .columns = columns,
        .tokens = tokens,
        .x_stride = x_stride,
        .y_stride = rows + 2,
        .weights = random_weights(type, rows, columns, seed),
        .x = random_floats(tokens * x_stride + 1, seed + 1),
    };
}

/// y of the whole problem, (tokens, y_stride); what lies between the rows stays -7.
std::vector<float> product(const Kernels& kernels, const Problem& p) {
    std::vector<float> y(size_of(p.tokens * p.y_stride), -7.0F);
    const Matrix w{p.type, p.weights.data(), p.rows, p.columns};
    kernels.multiply(w, p.x.data() + 1, p.x_stride, p.tokens, y.data(), p.y_stride);
    return y;
}

/// Is every y within its bound of the sum in double? An element's term takes at most K + 4 float
/// roundings (a lane's additions, the tree, in blocks two more), each of at most half an epsilon of
/// the sum of magnitudes or half the smallest subnormal; K + 4 whole ones cover them twice over.
::testing::AssertionResult close_to_exact(const Problem& p, const std::vector<float>& y) {
    const auto roundings = static_cast<double>(p.columns + 4);
    for (std::int64_t m = 0; m < p.rows; ++m) {
        const std::byte* row = p.weights.data() + m * row_bytes(p.type, p.columns);
        for (std::int64_t t = 0; t < p.tokens; ++t) {
            double sum = 0.0;
            double magnitude = 0.0;
            for (std::int64_t k = 0; k < p.columns; ++k) {
                const double term = naive::element(p.type, row, k) *
                                    static_cast<double>(p.x[size_of(1 + t * p.x_stride + k)]);
                sum += term;
                magnitude += std::abs(term);
            }
            const double bound = roundings * (0x1.0p-24 * magnitude + 0x1.0p-149);
            const auto got = static_cast<double>(y[size_of(t * p.y_stride + m)]);
            if (!(std::abs(got - sum) <= bound)) {
                return ::testing::AssertionFailure()
                       << "row " << m << " token " << t << ": " << got << ", exactly " << sum;
            }
        }
    }
    return ::testing::AssertionSuccess();
}

const std::int64_t kElementColumns[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 48, 63, 64, 100, 257};
const std::int64_t kBlockColumns[] = {32, 64, 96, 256, 352};
const std::int64_t kLargeBlockColumns[] = {256, 768};

bool in_blocks(WeightType type) {
    return format_of(type).elements > 1;
}

std::vector<Problem> shapes(WeightType type) {
    std::vector<Problem> problems;
    const std::int64_t elements = format_of(type).elements;
    const std::span<const std::int64_t> columns =
        elements == 1    ? std::span<const std::int64_t>(kElementColumns)
        : elements == 32 ? std::span<const std::int64_t>(kBlockColumns)
                         : kLargeBlockColumns;
    for (const std::int64_t k : columns) {
        for (const std::int64_t rows : {1, 2, 3, 4, 5, 6, 7, 8, 13, 70}) {
            for (const std::int64_t tokens : {1, 2, 3, 4, 5, 9}) {
                problems.push_back(problem_of(type, rows, k, tokens));
            }
        }
    }
    for (std::int64_t rows = 1; rows <= 70; ++rows) {
        problems.push_back(problem_of(type, rows, columns_for(type, 32), 1 + rows % 9));
    }
    for (const std::int64_t tokens : {31, 32, 33, 67}) { // vectors for which rows are expanded once
        problems.push_back(problem_of(type, 5, columns_for(type, 32), tokens));
    }
    return problems;
}

std::string describe(const Problem& p) {
    return std::string(name_of(p.type)) + " " + std::to_string(p.rows) + "x" +
           std::to_string(p.columns) + ", " + std::to_string(p.tokens) + " tokens";
}

class Multiply : public EachLevel {};
INSTANTIATE_TEST_SUITE_P(
    Levels,
    Multiply,
    ::testing::Values(Level::reference, Level::openblas, Level::avx2, Level::avx512),
    level_of
);

TEST_P(Multiply, is_close_to_the_exact_sum) {
    for (const WeightType type : kWeightTypes) {
        for (const Problem& p : shapes(type)) {
            EXPECT_TRUE(close_to_exact(p, product(kernels(), p))) << describe(p);
        }
    }
}

TEST(MultiplyCheck, notices_a_sum_that_misses_one_term) {
    const Problem p = problem_of(WeightType::f32, 5, 64, 2);
    Problem short_of_one = p;
    short_of_one.x[1 + 63] = 0.0F;
    EXPECT_TRUE(close_to_exact(p, product(reference_kernels(), p)));
    EXPECT_FALSE(close_to_exact(p, product(reference_kernels(), short_of_one)));
}

TEST(MultiplyCheck, notices_a_wrong_weight_of_every_type) {
    for (const WeightType type : kWeightTypes) {
        const Problem p = problem_of(type, 5, columns_for(type, 64), 2);
        Problem other = p;
        other.weights.back() ^= std::byte{0x10};
        EXPECT_TRUE(close_to_exact(p, product(reference_kernels(), p))) << describe(p);
        EXPECT_FALSE(close_to_exact(p, product(reference_kernels(), other))) << describe(p);
    }
}

TEST(MultiplyCheck, notices_nibbles_taken_in_pairs) {
    // Elements 2i and 2i + 1 from byte i instead of i and i + 16: the same sum over equal x,
    // another one over x that differ.
    const Problem p = problem_of(WeightType::q4_0, 3, 32, 1);
    Problem pairs = p;
    for (std::int64_t i = 0; i < 16; ++i) {
        pairs.x[size_of(1 + i)] = p.x[size_of(1 + 2 * i)];
        pairs.x[size_of(1 + i + 16)] = p.x[size_of(1 + 2 * i + 1)];
    }
    EXPECT_FALSE(close_to_exact(p, product(reference_kernels(), pairs)));
}

TEST(MultiplyCheck, notices_one_bit) {
    const std::vector<float> y = {1.0F, 2.0F};
    EXPECT_TRUE(same_bits(y, y));
    EXPECT_FALSE(same_bits(y, {1.0F, std::nextafter(2.0F, 3.0F)}));
    EXPECT_FALSE(same_bits({0.0F}, {-0.0F}));
}

TEST_P(Multiply, writes_nothing_between_the_rows_of_y) {
    for (const Problem& p : shapes(WeightType::f32)) {
        const std::vector<float> y = product(kernels(), p);
        for (std::int64_t t = 0; t < p.tokens; ++t) {
            for (std::int64_t gap = p.rows; gap < p.y_stride; ++gap) {
                ASSERT_EQ(y[size_of(t * p.y_stride + gap)], -7.0F) << describe(p);
            }
        }
    }
}

TEST_P(Multiply, gives_a_token_the_same_bits_alone_and_among_others) {
    for (const WeightType type : kWeightTypes) {
        for (const Problem& p : shapes(type)) {
            const std::vector<float> together = product(kernels(), p);
            const Matrix w{p.type, p.weights.data(), p.rows, p.columns};
            std::vector<float> alone(together.size(), -7.0F);
            for (std::int64_t t = 0; t < p.tokens; ++t) {
                const float* x = p.x.data() + 1 + t * p.x_stride;
                kernels().multiply(w, x, 0, 1, alone.data() + t * p.y_stride, 0);
            }
            ASSERT_TRUE(same_bits(together, alone)) << describe(p);
        }
    }
}

/// The same product from pieces of rows, cut after every piece_rows rows from `first` on.
std::vector<float> product_in_pieces(
    const Kernels& kernels, const Problem& p, std::int64_t first, std::int64_t step
) {
    std::vector<float> y(size_of(p.tokens * p.y_stride), -7.0F);
    for (std::int64_t from = 0, to = first; from < p.rows; from = to, to += step) {
        const std::int64_t rows = std::min(to, p.rows) - from;
        const std::byte* data = p.weights.data() + from * row_bytes(p.type, p.columns);
        // A copy elsewhere: bits may not depend on where the piece lies either.
        const std::size_t off = p.type == WeightType::f32 ? 4 : 3;
        std::vector<std::byte> copy(size_of(rows * row_bytes(p.type, p.columns)) + off);
        std::memcpy(copy.data() + off, data, copy.size() - off);
        const Matrix w{p.type, copy.data() + off, rows, p.columns};
        kernels.multiply(w, p.x.data() + 1, p.x_stride, p.tokens, y.data() + from, p.y_stride);
    }
    return y;
}

TEST_P(Multiply, gives_a_row_the_same_bits_in_any_piece_of_the_matrix) {
    for (const WeightType type : kWeightTypes) {
        const std::int64_t rows_step = format_of(type).elements > 32 ? 17 : 1;
        for (std::int64_t rows = 1; rows <= 70; rows += rows_step) {
            const std::int64_t columns =
                in_blocks(type) ? columns_for(type, 64) : 1 + rows * 5 % 83;
            const Problem p = problem_of(type, rows, columns, 2);
            const std::vector<float> whole = product(kernels(), p);
            for (std::int64_t step = 1; step <= 9; ++step) {
                for (std::int64_t first = 1; first <= step; ++first) {
                    ASSERT_TRUE(same_bits(whole, product_in_pieces(kernels(), p, first, step)))
                        << describe(p) << " cut at " << first << " and every " << step;
                }
            }
        }
    }
}

TEST_P(Multiply, gives_a_row_the_same_bits_in_any_piece_when_rows_are_long) {
    // Around the piece of columns that the openblas level takes at a time, and well past it.
    for (const std::int64_t columns : {4080, 4095, 4096, 4097, 4104, 4111, 4112, 8195, 11008}) {
        const Problem p = problem_of(WeightType::f32, 11, columns, 1);
        const std::vector<float> whole = product(kernels(), p);
        EXPECT_TRUE(close_to_exact(p, whole)) << columns;
        for (const std::int64_t step : {1, 2, 3, 4, 5, 7}) {
            EXPECT_TRUE(same_bits(whole, product_in_pieces(kernels(), p, 1, step))) << columns;
        }
    }
}

class OwnMultiply : public EachLevel {};
INSTANTIATE_TEST_SUITE_P(
    Levels, OwnMultiply, ::testing::Values(Level::avx2, Level::avx512), level_of
);

TEST_P(OwnMultiply, has_the_bits_of_the_reference) {
    for (const WeightType type : kWeightTypes) {
        for (const Problem& p : shapes(type)) {
            ASSERT_TRUE(same_bits(product(kernels(), p), product(reference_kernels(), p)))
                << describe(p);
        }
    }
}

/// Weights of any finite size, zeros and subnormals of both signs among them.
std::vector<std::byte> harsh_weights(WeightType type, std::int64_t n) {
    std::vector<std::byte> data(size_of(n * row_bytes(type, 1)));
    if (type == WeightType::f32) {
        const std::vector<float> values = random_floats(n, 5, true);
        std::memcpy(data.data(), values.data(), data.size());
        return data;
    }
    Random random(stream_seed(5, "harsh weights"));
    const std::uint64_t exponent = type == WeightType::f16 ? 0x7C00 : 0x7F80;
    for (std::size_t at = 0; at < data.size(); at += 2) {
        const std::uint64_t bits = random.bits();
        const bool finite = (bits & exponent) != exponent;
        put_16(&data[at], finite && random.below(8) != 0 ? bits : bits & ~exponent);
    }
    return data;
}

constexpr WeightType kElementTypes[] = {WeightType::f32, WeightType::f16, WeightType::bf16};

TEST_P(OwnMultiply, has_the_bits_of_the_reference_for_zeros_subnormals_and_large_values) {
    for (const WeightType type : kElementTypes) {
        for (std::int64_t columns = 1; columns <= 70; ++columns) {
            Problem p = problem_of(type, 6, columns, 3);
            p.weights = harsh_weights(type, 6 * columns);
            p.x = random_floats(static_cast<std::int64_t>(p.x.size()), 6, true);
            ASSERT_TRUE(same_bits(product(kernels(), p), product(reference_kernels(), p)))
                << describe(p);
        }
    }
}

TEST_P(OwnMultiply, pads_the_last_lanes_with_a_real_addition_of_zero) {
    // Every term is below -1e-46, which rounds to -0: 16 lanes of -0 sum to -0. With 17 columns the
    // lanes past the end take 0 · 0 as well, which turns their -0 into +0, and so the sum.
    const std::vector<float> x(17, -1e-40F);
    for (const WeightType type : kElementTypes) {
        std::vector<std::byte> row(size_of(row_bytes(type, 17)));
        for (std::size_t at = 0; at < row.size(); at += size_of(format_of(type).bytes)) {
            row[at] = std::byte{1}; // the smallest subnormal, whatever the type
        }
        for (const Kernels* level : {&kernels(), &reference_kernels()}) {
            for (const std::int64_t columns : {16, 17}) {
                float y = 1.0F;
                level->multiply({type, row.data(), 1, columns}, x.data(), 17, 1, &y, 1);
                EXPECT_EQ(y, 0.0F);
                EXPECT_EQ(std::signbit(y), columns == 16) << name_of(type);
            }
        }
    }
}

/// A matrix whose elements run through all patterns of 16 bits, infinities and NaN among them.
Problem every_pattern(WeightType type, std::int64_t columns) {
    Problem p = problem_of(type, (0x10000 + columns - 1) / columns, columns, 1);
    for (std::size_t i = 0; i < p.weights.size() / 2; ++i) {
        put_16(&p.weights[2 * i], i % 0x10000);
    }
    return p;
}

TEST_P(OwnMultiply, has_the_bits_of_the_reference_for_every_pattern_of_16_bits) {
    for (const WeightType type : {WeightType::f16, WeightType::bf16}) {
        for (const std::int64_t columns : {1, 16, 17, 47}) {
            const Problem p = every_pattern(type, columns);
            ASSERT_TRUE(same_bits(product(kernels(), p), product(reference_kernels(), p)))
                << describe(p);
        }
    }
}

class EveryPattern : public EachLevel {};
INSTANTIATE_TEST_SUITE_P(
    Levels,
    EveryPattern,
    ::testing::Values(Level::reference, Level::openblas, Level::avx2, Level::avx512),
    level_of
);

TEST_P(EveryPattern, of_16_bits_is_worth_what_the_format_says) {
    for (const WeightType type : {WeightType::f16, WeightType::bf16}) {
        Problem p = every_pattern(type, 1);
        p.x.assign(p.x.size(), 1.0F);
        const std::vector<float> y = product(kernels(), p);
        for (std::uint32_t bits = 0; bits < 0x10000U; ++bits) {
            const double expected =
                type == WeightType::f16 ? naive::half(bits) : naive::bfloat(bits);
            const auto got = static_cast<double>(y[bits]);
            ASSERT_TRUE(got == expected || (std::isnan(got) && std::isnan(expected)))
                << name_of(type) << " " << bits << ": " << got << ", exactly " << expected;
        }
    }
}

TEST(OpenblasMultiply, has_the_bits_of_the_reference_for_stored_types) {
    if (!available(Level::openblas)) {
        GTEST_SKIP() << "this build has no level openblas";
    }
    for (const WeightType type : kWeightTypes) {
        const Problem p = problem_of(type, 13, columns_for(type, 96), 3);
        const auto y = product(kernels_for(Level::openblas), p);
        if (type == WeightType::f32) {
            EXPECT_TRUE(close_to_exact(p, y));
        } else {
            EXPECT_TRUE(same_bits(y, product(reference_kernels(), p))) << describe(p);
        }
    }
}

/// Memory whose last byte is followed by a page that nobody may read.
class Guarded {
  public:
    explicit Guarded(std::size_t bytes)
        : pages_((bytes + kPage - 1) / kPage * kPage),
          mapped_(mmap(
              nullptr, pages_ + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0
          )) {
        EXPECT_NE(mapped_, MAP_FAILED);
        EXPECT_EQ(mprotect(static_cast<std::byte*>(mapped_) + pages_, kPage, PROT_NONE), 0);
        data_ = static_cast<std::byte*>(mapped_) + pages_ - bytes;
    }
    Guarded(const Guarded&) = delete;
    Guarded& operator=(const Guarded&) = delete;
    ~Guarded() { munmap(mapped_, pages_ + kPage); }
    [[nodiscard]] std::byte* data() const { return data_; }

  private:
    static constexpr std::size_t kPage = 4096;
    std::size_t pages_;
    void* mapped_;
    std::byte* data_ = nullptr;
};

TEST_P(Multiply, reads_nothing_past_the_last_weight_and_the_last_x) {
    for (const WeightType type : kWeightTypes) {
        for (std::int64_t columns = 1; columns <= columns_for(type, 64); ++columns) {
            if (columns % format_of(type).elements != 0) {
                continue;
            }
            const Problem p = problem_of(type, 5, columns, 1);
            const Guarded weights(p.weights.size());
            std::memcpy(weights.data(), p.weights.data(), p.weights.size());
            const Guarded x(size_of(columns) * sizeof(float));
            std::memcpy(x.data(), p.x.data() + 1, size_of(columns) * sizeof(float));
            std::vector<float> y(size_of(p.y_stride), -7.0F);
            kernels().multiply(
                {type, weights.data(), p.rows, columns},
                reinterpret_cast<const float*>(x.data()),
                columns,
                1,
                y.data(),
                p.y_stride
            );
            ASSERT_TRUE(same_bits(y, product(kernels(), p))) << describe(p);
        }
    }
}

TEST(GuardedDeathTest, notices_a_byte_read_too_far) {
    const Guarded guarded(100);
    const volatile std::byte* past = guarded.data() + 100;
    EXPECT_DEATH((void)static_cast<std::byte>(*past), "");
}

class Blocks : public EachLevel {
  protected:
    /// One row of one block: scale bits, every byte of quants the same, x all ones.
    static float row_sum(WeightType type, std::uint32_t scale, int quants) {
        std::vector<std::byte> block(
            size_of(format_of(type).bytes), byte_of(static_cast<std::uint64_t>(quants))
        );
        put_16(block.data(), scale);
        const std::vector<float> ones(32, 1.0F);
        float y = 0.0F;
        kernels().multiply({type, block.data(), 1, 32}, ones.data(), 32, 1, &y, 1);
        return y;
    }
};
INSTANTIATE_TEST_SUITE_P(
    Levels, Blocks, ::testing::Values(Level::reference, Level::avx2, Level::avx512), level_of
);

TEST_P(Blocks, of_q8_0_take_every_quant_and_scale_at_its_value) {
    const auto sum = [](std::uint32_t scale, int q) { return row_sum(WeightType::q8_0, scale, q); };
    EXPECT_EQ(sum(0x3C00, -128), -4096.0F);          // 1 · 32 · -128
    EXPECT_EQ(sum(0x3C00, 127), 4064.0F);            // 1 · 32 · 127
    EXPECT_EQ(sum(0xC000, -128), 8192.0F);           // -2 · 32 · -128
    EXPECT_EQ(sum(0x0001, 1), 0x1.0p-19F);           // smallest subnormal half 2^-24, times 32
    EXPECT_EQ(sum(0x83FF, 2), -1023.0F / 0x1.0p18F); // -1023 · 2^-24 · 64
    EXPECT_EQ(sum(0x0000, -128), 0.0F);
    EXPECT_EQ(sum(0x7BFF, 1), 65504.0F * 32); // largest finite half
    EXPECT_EQ(sum(0x7C00, 1), INFINITY);
}

TEST_P(Blocks, of_q4_0_take_every_quant_and_scale_at_its_value) {
    const auto sum = [](std::uint32_t scale, int byte) {
        return row_sum(WeightType::q4_0, scale, byte);
    };
    for (int low = 0; low < 16; ++low) {
        for (int high = 0; high < 16; ++high) {
            const auto expected = static_cast<float>(16 * (low - 8 + high - 8));
            EXPECT_EQ(sum(0x3C00, high * 16 + low), expected);
            EXPECT_EQ(sum(0xC000, high * 16 + low), -2.0F * expected);
        }
    }
    EXPECT_EQ(sum(0x0001, 0x99), 0x1.0p-19F); // smallest subnormal half 2^-24, times 32
    EXPECT_EQ(sum(0x0000, 0x00), 0.0F);
    EXPECT_EQ(sum(0x7BFF, 0x99), 65504.0F * 32);
    EXPECT_EQ(sum(0x7C00, 0x99), INFINITY);
    EXPECT_TRUE(std::isnan(sum(0x7C00, 0x88))); // infinity times 0
    EXPECT_TRUE(std::isnan(sum(0x7C01, 0x99)));
}

TEST(SixteenBits, have_the_values_that_their_formats_say) {
    for (std::uint32_t bits = 0; bits < 0x10000U; ++bits) {
        std::byte stored[2];
        put_16(stored, bits);
        const double pairs[][2] = {
            {static_cast<double>(half_at(stored)), naive::half(bits)},
            {static_cast<double>(bfloat_at(stored)), naive::bfloat(bits)},
        };
        for (const auto& [got, expected] : pairs) {
            ASSERT_TRUE(got == expected || (std::isnan(got) && std::isnan(expected))) << bits;
            ASSERT_TRUE(std::isnan(got) || std::signbit(got) == std::signbit(expected)) << bits;
        }
    }
}

TEST(SixteenBits, are_numbers_that_one_knows) {
    EXPECT_EQ(naive::half(0x3C00), 1.0);
    EXPECT_EQ(naive::half(0xC248), -3.140625);
    EXPECT_EQ(naive::half(0x0001), 0x1.0p-24);
    EXPECT_EQ(naive::half(0x7BFF), 65504.0);
    EXPECT_EQ(naive::half(0xFC00), -INFINITY);
    EXPECT_EQ(naive::bfloat(0x3F80), 1.0);
    EXPECT_EQ(naive::bfloat(0xC049), -3.140625);
    EXPECT_EQ(naive::bfloat(0x0001), 0x1.0p-133);
    EXPECT_TRUE(std::isnan(naive::bfloat(0x7F81)));
}

} // namespace
} // namespace headroom::kernels
