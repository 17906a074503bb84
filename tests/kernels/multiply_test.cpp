// Matrix times vectors: close to exact arithmetic, the same bits in all own levels, and a row's and
// a token's bits whatever else is in the call.
#include "kernels/half.hpp"
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
/// roundings (a lane's additions, the tree, for Q8_0 two within a block), each of at most half an
/// epsilon of the sum of magnitudes; K · eps covers them twice over.
::testing::AssertionResult close_to_exact(const Problem& p, const std::vector<float>& y) {
    const Matrix w{p.type, p.weights.data(), p.rows, p.columns};
    std::vector<float> row(size_of(p.columns));
    for (std::int64_t m = 0; m < p.rows; ++m) {
        expand_row(w, m, row.data());
        for (std::int64_t t = 0; t < p.tokens; ++t) {
            double sum = 0.0;
            double magnitude = 0.0;
            for (std::int64_t k = 0; k < p.columns; ++k) {
                const double term = static_cast<double>(row[size_of(k)]) *
                                    static_cast<double>(p.x[size_of(1 + t * p.x_stride + k)]);
                sum += term;
                magnitude += std::abs(term);
            }
            const double bound = static_cast<double>(p.columns + 4) * 0x1.0p-24 * magnitude + 1e-44;
            const auto got = static_cast<double>(y[size_of(t * p.y_stride + m)]);
            if (!(std::abs(got - sum) <= bound)) {
                return ::testing::AssertionFailure()
                       << "row " << m << " token " << t << ": " << got << ", exactly " << sum;
            }
        }
    }
    return ::testing::AssertionSuccess();
}

const std::int64_t kF32Columns[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 48, 63, 64, 100, 257};
const std::int64_t kQ8Columns[] = {32, 64, 96, 256, 352};

std::vector<Problem> shapes(WeightType type) {
    std::vector<Problem> problems;
    const std::span<const std::int64_t> columns =
        type == WeightType::f32 ? std::span<const std::int64_t>(kF32Columns) : kQ8Columns;
    for (const std::int64_t k : columns) {
        for (const std::int64_t rows : {1, 2, 3, 4, 5, 6, 7, 8, 13, 70}) {
            for (const std::int64_t tokens : {1, 2, 3, 4, 5, 9}) {
                problems.push_back(problem_of(type, rows, k, tokens));
            }
        }
    }
    for (std::int64_t rows = 1; rows <= 70; ++rows) {
        problems.push_back(problem_of(type, rows, 32, 1 + rows % 9));
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
    for (const WeightType type : {WeightType::f32, WeightType::q8_0}) {
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
    for (const WeightType type : {WeightType::f32, WeightType::q8_0}) {
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
        std::vector<std::byte> copy(size_of(rows * row_bytes(p.type, p.columns)) + 4);
        std::memcpy(copy.data() + 4, data, copy.size() - 4);
        const Matrix w{p.type, copy.data() + 4, rows, p.columns};
        kernels.multiply(w, p.x.data() + 1, p.x_stride, p.tokens, y.data() + from, p.y_stride);
    }
    return y;
}

TEST_P(Multiply, gives_a_row_the_same_bits_in_any_piece_of_the_matrix) {
    for (const WeightType type : {WeightType::f32, WeightType::q8_0}) {
        for (std::int64_t rows = 1; rows <= 70; ++rows) {
            const std::int64_t columns = type == WeightType::q8_0 ? 64 : 1 + rows * 5 % 83;
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
    for (const WeightType type : {WeightType::f32, WeightType::q8_0}) {
        for (const Problem& p : shapes(type)) {
            ASSERT_TRUE(same_bits(product(kernels(), p), product(reference_kernels(), p)))
                << describe(p);
        }
    }
}

TEST_P(OwnMultiply, has_the_bits_of_the_reference_for_zeros_subnormals_and_large_values) {
    for (std::int64_t columns = 1; columns <= 70; ++columns) {
        Problem p = problem_of(WeightType::f32, 6, columns, 3);
        const std::vector<float> harsh = random_floats(6 * columns, 5, true);
        std::memcpy(p.weights.data(), harsh.data(), p.weights.size());
        p.x = random_floats(static_cast<std::int64_t>(p.x.size()), 6, true);
        ASSERT_TRUE(same_bits(product(kernels(), p), product(reference_kernels(), p))) << columns;
    }
}

TEST_P(OwnMultiply, pads_the_last_lanes_with_a_real_addition_of_zero) {
    // Every term is -1e-60, which rounds to -0: 16 lanes of -0 sum to -0. With 17 columns the lanes
    // past the end take 0 · 0 as well, which turns their -0 into +0, and so the sum.
    const std::vector<float> row(17, 1e-30F);
    const std::vector<float> x(17, -1e-30F);
    for (const Kernels* level : {&kernels(), &reference_kernels()}) {
        for (const std::int64_t columns : {16, 17}) {
            const auto* data = reinterpret_cast<const std::byte*>(row.data());
            float y = 1.0F;
            level->multiply({WeightType::f32, data, 1, columns}, x.data(), 17, 1, &y, 1);
            EXPECT_EQ(y, 0.0F);
            EXPECT_EQ(std::signbit(y), columns == 16);
        }
    }
}

class Q8 : public EachLevel {
  protected:
    /// One row of one block: scale bits, all quants q, x all ones.
    static float row_sum(std::uint32_t scale, int q) {
        std::vector<std::byte> block(34, byte_of(static_cast<std::uint64_t>(q)));
        block[0] = byte_of(scale);
        block[1] = byte_of(scale >> 8);
        const std::vector<float> ones(32, 1.0F);
        float y = 0.0F;
        kernels().multiply({WeightType::q8_0, block.data(), 1, 32}, ones.data(), 32, 1, &y, 1);
        return y;
    }
};
INSTANTIATE_TEST_SUITE_P(
    Levels, Q8, ::testing::Values(Level::reference, Level::avx2, Level::avx512), level_of
);

TEST_P(Q8, takes_every_quant_and_scale_at_its_value) {
    EXPECT_EQ(row_sum(0x3C00, -128), -4096.0F);          // 1 · 32 · -128
    EXPECT_EQ(row_sum(0x3C00, 127), 4064.0F);            // 1 · 32 · 127
    EXPECT_EQ(row_sum(0xC000, -128), 8192.0F);           // -2 · 32 · -128
    EXPECT_EQ(row_sum(0x0001, 1), 0x1.0p-19F);           // smallest subnormal half 2^-24, times 32
    EXPECT_EQ(row_sum(0x83FF, 2), -1023.0F / 0x1.0p18F); // -1023 · 2^-24 · 64
    EXPECT_EQ(row_sum(0x0000, -128), 0.0F);
    EXPECT_EQ(row_sum(0x7BFF, 1), 65504.0F * 32); // largest finite half
    EXPECT_EQ(row_sum(0x7C00, 1), INFINITY);
}

TEST(Half, has_the_value_that_its_bits_say) {
    for (std::uint32_t bits = 0; bits < 0x10000U; ++bits) {
        const auto value = static_cast<double>(half_to_float(static_cast<std::uint16_t>(bits)));
        const int exponent = static_cast<int>((bits >> 10) & 31U);
        const auto fraction = static_cast<double>(bits & 0x3FFU);
        const double sign = (bits & 0x8000U) != 0 ? -1.0 : 1.0;
        if (exponent == 31) {
            EXPECT_EQ(std::isnan(value), fraction != 0.0);
            EXPECT_TRUE(fraction != 0.0 || value == sign * INFINITY);
        } else {
            const double significand = exponent == 0 ? fraction : fraction + 1024.0;
            const double expected = sign * std::ldexp(significand, std::max(exponent, 1) - 25);
            ASSERT_EQ(value, expected) << bits;
            ASSERT_EQ(std::signbit(value), std::signbit(expected)) << bits;
        }
    }
}

TEST(ExpandRow, gives_the_stored_values_of_one_row) {
    const Problem p = problem_of(WeightType::q8_0, 3, 64, 1);
    const Matrix w{p.type, p.weights.data(), p.rows, p.columns};
    std::vector<float> row(64);
    expand_row(w, 2, row.data());
    const std::byte* block = p.weights.data() + 2 * 68 + 34; // second block of row 2
    EXPECT_EQ(row[40], half_at(block) * static_cast<float>(static_cast<std::int8_t>(block[2 + 8])));

    const std::vector<float> values = random_floats(12, 3);
    const Matrix f32{WeightType::f32, reinterpret_cast<const std::byte*>(values.data()), 3, 4};
    std::vector<float> out(4);
    expand_row(f32, 1, out.data());
    EXPECT_TRUE(same_bits(out, {values[4], values[5], values[6], values[7]}));
}

} // namespace
} // namespace headroom::kernels
