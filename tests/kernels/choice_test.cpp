// Argmax, sampling, stored rows as floats, and the names and availability of levels.
#include <algorithm>
#include <limits>
#include <numeric>

#include "base/check.hpp"
#include "naive.hpp"
#include "support.hpp"

namespace headroom::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

std::int64_t argmax_of(std::vector<float> x) {
    return argmax(x);
}

std::int64_t sample_of(std::vector<float> logits, float temperature, double unit) {
    return sample(reference_kernels(), logits, {.temperature = temperature}, unit);
}

/// What the filters must leave, found by sorting; what they remove becomes -inf.
struct NaiveFilters {
    std::vector<float> logits;

    /// Indices from the likeliest on, equals by index, NaN last.
    [[nodiscard]] std::vector<std::size_t> ranked() const {
        std::vector<std::size_t> order(logits.size());
        std::iota(order.begin(), order.end(), 0U);
        std::stable_sort(order.begin(), order.end(), [this](std::size_t a, std::size_t b) {
            return logits[a] > logits[b] || (std::isnan(logits[b]) && !std::isnan(logits[a]));
        });
        return order;
    }
    void remove_from(std::size_t place) {
        const std::vector<std::size_t> order = ranked();
        for (; place < order.size(); ++place) {
            logits[order[place]] = -kInfinity;
        }
    }
    void top_k(const Sampling& how) {
        if (how.top_k > 0) {
            remove_from(size_of(how.top_k));
        }
    }
    void top_p(const Sampling& how) {
        if (how.top_p >= 1) {
            return;
        }
        std::vector<std::uint64_t> sums;
        const float largest = logits[ranked().front()];
        for (const std::size_t i : ranked()) {
            const float part = std::isnan(logits[i]) ? 0.0F : portable_exp(logits[i] - largest);
            const auto weight = static_cast<std::uint64_t>(std::round(0x1p40 * double{part}));
            sums.push_back(weight + (sums.empty() ? 0 : sums.back()));
        }
        const double target = std::ceil(how.top_p * static_cast<double>(sums.back()));
        std::size_t kept = 0;
        while (static_cast<double>(sums[kept]) < target) {
            ++kept;
        }
        remove_from(kept + 1);
    }
    void min_p(const Sampling& how) {
        if (how.min_p <= 0) {
            return;
        }
        const float largest = logits[ranked().front()];
        for (float& logit : logits) {
            const double part = portable_exp(logit - largest);
            logit = part >= how.min_p ? logit : -kInfinity;
        }
    }
};

struct DrawCase {
    std::vector<float> logits;
    Sampling how;
    double unit = 0;
};

/// Few distinct values, so that many are equal; some are -inf, some NaN.
DrawCase draw_case(std::uint64_t seed) {
    Random random(stream_seed(seed, "filters"));
    DrawCase made;
    made.logits.resize(1 + random.below(200));
    const std::uint64_t values = 1 + random.below(40);
    const double spread = 0.1 + 8 * random.unit();
    for (float& logit : made.logits) {
        const double value =
            static_cast<double>(random.below(values)) / static_cast<double>(values) - 0.5;
        logit = static_cast<float>(spread * value);
        logit = random.below(50) == 0 ? -kInfinity : random.below(200) == 0 ? kNaN : logit;
    }
    made.how.temperature = static_cast<float>(0.05 + 2 * random.unit());
    made.how.top_k = static_cast<std::int64_t>(random.below(made.logits.size() + 3));
    made.how.top_p = random.below(3) == 0 ? 1.0 : 0.01 + 0.98 * random.unit();
    made.how.min_p = random.below(3) == 0 ? 0.0 : random.unit();
    made.unit = random.unit();
    return made;
}

using Filter = void (NaiveFilters::*)(const Sampling&);

/// How many of the cases come out otherwise than with these filters in this order.
int differences_from(const std::vector<Filter>& filters) {
    int differences = 0;
    for (std::uint64_t seed = 0; seed < 3000; ++seed) {
        const DrawCase made = draw_case(seed);
        NaiveFilters naive{made.logits};
        for (const Filter filter : filters) {
            (naive.*filter)(made.how);
        }
        std::vector<float> logits = made.logits;
        differences += sample(reference_kernels(), logits, made.how, made.unit) !=
                       sample_of(naive.logits, made.how.temperature, made.unit);
    }
    return differences;
}

TEST(Argmax, takes_the_first_of_the_largest) {
    EXPECT_EQ(argmax_of({1.0F}), 0);
    EXPECT_EQ(argmax_of({1.0F, 3.0F, 3.0F, 2.0F}), 1);
    EXPECT_EQ(argmax_of({-0.0F, 0.0F}), 0);
    EXPECT_EQ(argmax_of({-kInfinity, -kInfinity}), 0);
}

TEST(Argmax, prefers_anything_to_nan) {
    EXPECT_EQ(argmax_of({kNaN, -kInfinity, kNaN, -5.0F}), 3);
    EXPECT_EQ(argmax_of({kNaN, -kInfinity}), 1);
    EXPECT_EQ(argmax_of({2.0F, kNaN}), 0);
    EXPECT_EQ(argmax_of({kNaN, kNaN}), 0);
}

TEST(Sample, inverts_the_cumulative_sum) {
    // ln 1, ln 2, ln 1: probabilities 1/4, 1/2, 1/4
    const std::vector<float> logits = {0.0F, 0.6931472F, 0.0F};
    EXPECT_EQ(sample_of(logits, 1.0F, 0.0), 0);
    EXPECT_EQ(sample_of(logits, 1.0F, 0.249), 0);
    EXPECT_EQ(sample_of(logits, 1.0F, 0.251), 1);
    EXPECT_EQ(sample_of(logits, 1.0F, 0.749), 1);
    EXPECT_EQ(sample_of(logits, 1.0F, 0.751), 2);
    // Temperature 1/2 squares the odds: 1/6, 4/6, 1/6
    EXPECT_EQ(sample_of(logits, 0.5F, 0.167), 1);
    EXPECT_EQ(sample_of(logits, 0.5F, 0.166), 0);
}

TEST(Sample, never_takes_what_has_no_probability) {
    const double last = std::nextafter(1.0, 0.0);
    const std::vector<float> logits = {-kInfinity, 0.0F, -kInfinity, -1000.0F, 0.0F, -kInfinity};
    EXPECT_EQ(sample_of(logits, 1.0F, 0.0), 1);
    EXPECT_EQ(sample_of(logits, 1.0F, 0.5), 4);
    EXPECT_EQ(sample_of(logits, 1.0F, last), 4);
    for (int i = 0; i < 1000; ++i) {
        const std::int64_t id = sample_of(logits, 1.0F, i / 1000.0);
        EXPECT_TRUE(id == 1 || id == 4) << i;
    }
}

TEST(Sample, stays_inside_when_rounding_leaves_the_sum_off_one) {
    const double last = std::nextafter(1.0, 0.0);
    for (std::int64_t n = 1; n < 200; ++n) {
        const std::int64_t id =
            sample_of(random_floats(n, static_cast<std::uint64_t>(n)), 0.7F, last);
        EXPECT_EQ(id, n - 1);
    }
}

TEST(Sample, approaches_argmax_at_small_temperature_and_never_fails) {
    EXPECT_EQ(sample_of({1.0F, 3.0F, 2.0F}, 1e-38F, 0.999), 1);
    EXPECT_EQ(sample_of({1e38F, 3e38F, 2e38F}, 1e-30F, 0.999), 1);
    EXPECT_EQ(sample_of({1.0F, kInfinity, 2.0F}, 1.0F, 0.5), 1);
    EXPECT_EQ(sample_of({1.0F, kNaN, 2.0F}, 1.0F, 0.5), 2);
    EXPECT_EQ(sample_of({kNaN, kNaN}, 1.0F, 0.5), 0);
}

TEST(Sample, draws_in_proportion) {
    const std::vector<float> logits = {0.0F, 1.0F, 2.0F, 3.0F};
    std::vector<int> counts(4, 0);
    Random random(stream_seed(3, "sample test"));
    for (int i = 0; i < 20000; ++i) {
        ++counts[size_of(sample_of(logits, 1.0F, random.unit()))];
    }
    // exp(i) / 31.19; a count's standard deviation is at most 71, five of them allowed
    EXPECT_NEAR(counts[0], 641, 5 * 25);
    EXPECT_NEAR(counts[1], 1743, 5 * 40);
    EXPECT_NEAR(counts[2], 4738, 5 * 60);
    EXPECT_NEAR(counts[3], 12878, 5 * 68);
}

/// Does expand_row give what `expected` stores, exactly, in the rows of a matrix (3, columns) that
/// holds `data`?
bool expands_to(
    WeightType type,
    std::int64_t columns,
    const std::vector<std::byte>& data,
    const std::vector<std::byte>& expected
) {
    for (std::int64_t m = 0; m < 3; ++m) {
        std::vector<float> out(size_of(columns + 1), -7.0F);
        expand_row({type, data.data(), 3, columns}, m, out.data());
        const std::byte* row = expected.data() + m * row_bytes(type, columns);
        for (std::int64_t k = 0; k < columns; ++k) {
            const auto value =
                static_cast<double>(static_cast<float>(naive::element(type, row, k)));
            const auto got = static_cast<double>(out[size_of(k)]);
            if (got != value || std::signbit(got) != std::signbit(value)) {
                return false;
            }
        }
        if (out[size_of(columns)] != -7.0F) {
            return false;
        }
    }
    return true;
}

TEST(ExpandRow, gives_the_stored_values_of_a_row_rounded_once_at_most) {
    for (const WeightType type : kWeightTypes) {
        for (const std::int64_t blocks : {1, 2, 3, 7}) {
            const std::int64_t columns = blocks * format_of(type).elements;
            const auto data = random_weights(type, 3, columns, static_cast<std::uint64_t>(blocks));
            EXPECT_TRUE(expands_to(type, columns, data, data)) << name_of(type) << " " << columns;
        }
    }
}

TEST(ExpandRowCheck, notices_one_bit) {
    for (const WeightType type : kWeightTypes) {
        const std::int64_t columns = columns_for(type, 64);
        const auto data = random_weights(type, 3, columns, 9);
        auto other = data;
        const WeightFormat& format = format_of(type); // the last weight, or the last scale
        other[other.size() - size_of(format.bytes) + format.numbers[0]] ^= std::byte{1};
        EXPECT_FALSE(expands_to(type, columns, other, data)) << name_of(type);
    }
}

TEST(Filters, leave_what_sorting_leaves) {
    EXPECT_EQ(
        differences_from({&NaiveFilters::top_k, &NaiveFilters::top_p, &NaiveFilters::min_p}), 0
    );
}

TEST(Filters, in_another_order_or_one_left_out_are_noticed) {
    EXPECT_GT(
        differences_from({&NaiveFilters::top_p, &NaiveFilters::top_k, &NaiveFilters::min_p}), 0
    );
    EXPECT_GT(differences_from({&NaiveFilters::top_p, &NaiveFilters::min_p}), 0);
    EXPECT_GT(differences_from({&NaiveFilters::top_k, &NaiveFilters::min_p}), 0);
    EXPECT_GT(differences_from({&NaiveFilters::top_k, &NaiveFilters::top_p}), 0);
}

/// Ids that come up in a thousand evenly spaced draws.
std::vector<std::int64_t> possible(const std::vector<float>& logits, const Sampling& how) {
    std::vector<std::int64_t> ids;
    for (int i = 0; i < 1000; ++i) {
        std::vector<float> copy = logits;
        ids.push_back(sample(reference_kernels(), copy, how, i / 1000.0));
    }
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    return ids;
}

TEST(Filters, by_hand) {
    using Ids = std::vector<std::int64_t>;
    // Probabilities 1/2, 1/8, 1/4, 1/8.
    const std::vector<float> logits = {2.0794415F, 0.6931472F, 1.3862944F, 0.6931472F};
    EXPECT_EQ(possible(logits, {.temperature = 1}), (Ids{0, 1, 2, 3}));
    EXPECT_EQ(possible(logits, {.temperature = 1, .top_k = 3}), (Ids{0, 1, 2})) << "tie by index";
    EXPECT_EQ(possible(logits, {.temperature = 9, .top_k = 1}), Ids{0});
    EXPECT_EQ(possible(logits, {.temperature = 1, .top_p = 0.49}), Ids{0});
    EXPECT_EQ(possible(logits, {.temperature = 1, .top_p = 0.51}), (Ids{0, 2}));
    EXPECT_EQ(possible(logits, {.temperature = 1, .top_p = 0.8}), (Ids{0, 1, 2}));
    EXPECT_EQ(possible(logits, {.temperature = 1, .min_p = 0.4}), (Ids{0, 2}));
    EXPECT_EQ(possible(logits, {.temperature = 1, .min_p = 1}), Ids{0});
    // Of the two likeliest, 2/3 and 1/3, the first alone reaches 0.6.
    EXPECT_EQ(possible(logits, {.temperature = 1, .top_k = 2, .top_p = 0.6}), Ids{0});
    EXPECT_EQ(possible(logits, {.temperature = 0, .top_k = 3}), Ids{0}) << "greedy";
    EXPECT_EQ(possible({kNaN, kNaN}, {.temperature = 1, .top_k = 1, .top_p = 0.5}), Ids{0});
}

TEST(Levels, have_names_that_are_read_back) {
    for (const Level level : {Level::reference, Level::openblas, Level::avx2, Level::avx512}) {
        EXPECT_EQ(level_named(name_of(level)), level);
    }
    EXPECT_EQ(level_named("sse9"), std::nullopt);
}

TEST(Levels, tables_are_complete_and_their_own) {
    EXPECT_TRUE(available(Level::reference));
    EXPECT_TRUE(available(best_level()));
    for (const Level level : {Level::reference, Level::openblas, Level::avx2, Level::avx512}) {
        if (!available(level)) {
            EXPECT_THROW((void)kernels_for(level), Bug);
            continue;
        }
        const Kernels& kernels = kernels_for(level);
        EXPECT_EQ(kernels.level, level);
        EXPECT_TRUE(
            kernels.multiply != nullptr && kernels.rms_norm != nullptr && kernels.rope != nullptr &&
            kernels.attention != nullptr && kernels.silu_gate != nullptr &&
            kernels.softmax != nullptr && kernels.add != nullptr
        );
    }
}

TEST(Levels, openblas_names_its_core_when_it_is_built_in) {
    EXPECT_EQ(openblas_core().empty(), !available(Level::openblas));
    EXPECT_TRUE(openblas_core_wanted().empty() || available(Level::openblas));
}

} // namespace
} // namespace headroom::kernels
