// Numbers that are not finite are found wherever they stand, and only they.
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/finite.hpp"

namespace headroom::kernels {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNotANumber = std::numeric_limits<float>::quiet_NaN();
constexpr float kLargestFloat = std::numeric_limits<float>::max();

TEST(Finite, finds_the_first_that_is_not) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{7}, std::size_t{10'000}}) {
        std::vector<float> x(size, -kLargestFloat);
        EXPECT_FALSE(first_not_finite(x));
        for (const float wrong : {kInf, -kInf, kNotANumber, -kNotANumber}) {
            for (const std::size_t at : {std::size_t{0}, size / 2, size - 1}) {
                std::vector<float> y = x;
                y[at] = wrong;
                y.back() = wrong;
                EXPECT_EQ(first_not_finite(y), at);
            }
        }
    }
    EXPECT_FALSE(first_not_finite({}));
    EXPECT_FALSE(first_not_finite(std::vector<float>{0.0F, -0.0F, 1e-45F}));
}

TEST(Finite, says_whether_squares_can_be_summed_in_float) {
    EXPECT_TRUE(squares_fit(std::vector<float>(5000, 1e15F)));
    EXPECT_TRUE(squares_fit(std::vector<float>{1e19F, 1.0F})) << "1e38 is a float";
    EXPECT_FALSE(squares_fit(std::vector<float>{1e19F, 1e19F, 1e19F, 1e19F}));
    EXPECT_FALSE(squares_fit(std::vector<float>{1.0F, -3e19F}));
    EXPECT_FALSE(squares_fit(std::vector<float>{1.0F, kNotANumber}));
    EXPECT_FALSE(squares_fit(std::vector<float>{kInf}));
    EXPECT_TRUE(squares_fit({}));
}

} // namespace
} // namespace headroom::kernels
