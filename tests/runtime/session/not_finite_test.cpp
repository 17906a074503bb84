// A model with weights that are not finite is refused. A run whose values overflow ends with an
// error at the first such value.
#include <filesystem>
#include <fstream>
#include <limits>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "support/fleet_run.hpp"
#include "support/tiny_model.hpp"

namespace headroom {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// Returns a scenario with a model in which `count` floats of a tensor are replaced, from `first`
/// on.
config::Scenario with_weights(
    const std::string& tensor,
    std::size_t first,
    std::size_t count,
    float value,
    const std::string& controller = ""
) {
    model::test::GgufWriter writer = model::test::tiny_model(support::tiny_shape());
    for (std::size_t i = first; i < first + count; ++i) {
        writer.find_tensor(tensor).data.replace(i * 4, 4, model::test::raw(value));
    }
    const auto path = support::temporary_path("astray.gguf");
    std::ofstream(path, std::ios::binary) << writer.bytes();
    support::FleetText text;
    text.model = path;
    text.controller = controller;
    text.policy = "round_robin"; // every device has blocks
    return support::make_scenario(text);
}

config::Scenario with_weight(
    const std::string& tensor, std::size_t index, float value, const std::string& controller = ""
) {
    return with_weights(tensor, index, 1, value, controller);
}

constexpr const char* kSliced = "granularity = \"sliced\"\nslices = 3\n";

TEST(NotFinite, a_weight_that_is_not_finite_refuses_the_model_in_every_granularity) {
    for (const char* const controller : {"", kSliced}) {
        // The prompt does not contain token 55.
        const support::FleetRun run = support::run_fleet(with_weight(
            "token_embd.weight", 55 * 64 + 3, std::numeric_limits<float>::quiet_NaN(), controller
        ));
        EXPECT_EQ(run.outcome.exit_code, 2);
        EXPECT_THAT(
            run.outcome.message, HasSubstr("token_embd.weight has 1 weight, the first in row 55")
        );
        EXPECT_THAT(run.outcome.message, HasSubstr("astray.gguf"));
    }
}

std::string end_of(const config::Scenario& scenario) {
    try {
        support::RunChange change;
        change.faulty = true;
        const support::FleetRun run = support::run_fleet(scenario, change);
        return fmt::format("exit code {}: {}", run.outcome.exit_code, run.outcome.message);
    } catch (const StuckError& error) {
        return error.what();
    }
}

TEST(NotFinite, overflow_ends_the_run_and_names_its_block) {
    EXPECT_THAT(
        end_of(with_weight("blk.1.ffn_down.weight", 5, 3e38F)),
        AllOf(
            HasSubstr("L1.ffn on device "),
            HasSubstr(" of sequence 0 (layer 1, turn "),
            HasSubstr("expected finite numbers")
        )
    );
    EXPECT_THAT(
        end_of(with_weights("blk.0.attn_v.weight", 64 * 16, 64, 3e38F)),
        AllOf(HasSubstr("L0.g"), HasSubstr("(layer 0, turn "))
    );
    EXPECT_THAT(
        end_of(with_weights("output.weight", 64 * 7, 64, 3e38F)),
        AllOf(HasSubstr("lm_head on device "), HasSubstr("of id 7 for token "))
    );
}

TEST(NotFinite, partial_sums_that_overflow_end_a_sliced_run_in_the_same_way) {
    for (const char* const reduce : {"hub", "ring"}) {
        const std::string controller = fmt::format("{}reduce = \"{}\"\n", kSliced, reduce);
        EXPECT_THAT(
            end_of(with_weight("blk.1.ffn_down.weight", 5, 3e38F, controller)),
            AllOf(HasSubstr("L1.s0 on device "), HasSubstr("(layer 1, turn "))
        );
    }
}

/// The square of the value is too large for a float, so the norm would return zeros without an
/// error.
TEST(NotFinite, values_too_large_for_a_norm_end_the_run) {
    EXPECT_THAT(
        end_of(with_weight("blk.0.ffn_down.weight", 5, 3e25F)),
        AllOf(HasSubstr("L0.ffn on device "), HasSubstr("squares are beyond"))
    );
    const support::FleetRun fine =
        support::run_fleet(with_weight("blk.0.ffn_down.weight", 5, 3e5F));
    EXPECT_EQ(fine.outcome.exit_code, 0) << "large numbers are fine";
}

} // namespace
} // namespace headroom
