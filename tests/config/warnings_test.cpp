// Settings that are allowed but probably mistakes cause warnings, and other settings do not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenarios.hpp"

namespace headroom::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> warnings_of(const std::string& more, std::vector<std::string> set = {}) {
    return read(small_with(more), {.set = std::move(set)}).warnings;
}

std::string event(const std::string& lines) {
    return "[[event]]\n" + lines + "\n";
}

TEST(Warnings, are_absent_for_plausible_scenarios) {
    EXPECT_THAT(warnings_of(""), IsEmpty());
    EXPECT_THAT(
        warnings_of(event("at_token = 63\ndevice = \"a\"\nkind = \"compute\"\nfactor = 0.5")),
        IsEmpty()
    );
    EXPECT_THAT(
        warnings_of(
            event("at = 0\nlink = [0, 1]\nkind = \"latency\"\nfactor = 0") +
            event("at = \"1 s\"\nlink = [0, 1]\nkind = \"latency\"\nfactor = 7")
        ),
        IsEmpty()
    );
    EXPECT_THAT(
        warnings_of("", {"device.0.load={kind=\"steps\",at=[0,\"1 s\"],value=[1,0.5]}"}), IsEmpty()
    );
}

TEST(Warnings, report_rates_of_types_that_the_model_lacks) {
    const auto with = [](std::string_view more, std::vector<std::string> set = {}) {
        const std::string text = "model.preset = \"gpt2\"\n" + std::string(kSmall);
        set.push_back("workload.tokens=3");
        return read(text + std::string(more), {.set = std::move(set)}).warnings;
    };
    const std::string rates = "device.0.rates.q4_0.compute=1 GFLOP/s";
    EXPECT_THAT(
        with("", {rates}),
        ElementsAre("a: rates.q4_0 has no effect: no weights of the model have that type")
    );
    EXPECT_THAT(
        with("", {rates, "device.1.rates.q4_0.memory_bandwidth=1 GB/s"}),
        ElementsAre("a and 1 more: rates.q4_0 has no effect: no weights of the model have that type"
        )
    );
    EXPECT_THAT(with("", {rates, "model.weight_type=q4_0"}), IsEmpty());
    EXPECT_THAT(with("", {"device.0.rates.f16.compute=1 GFLOP/s"}), IsEmpty());
    EXPECT_THAT(with("", {rates, "device.0.from_profile=\"board\""}), IsEmpty())
        << "a profile has rates for many types";
    EXPECT_THAT(warnings_of("", {rates}), IsEmpty()) << "the types of a file are not known";
}

TEST(Warnings, report_a_network_that_is_probably_a_mistake) {
    const std::string timeout = "network.retransmit_timeout=200 ms";
    EXPECT_THAT(warnings_of("", {timeout, "network.loss=0.5"}), IsEmpty());
    EXPECT_THAT(
        warnings_of("", {timeout, "network.loss=0.75"}),
        ElementsAre("network.loss is 0.75: most transmissions fail")
    );
    const std::string medium = "[network]\nmedium = [{ members = \"all\", capacity = \"1 MB/s\" }]";
    EXPECT_THAT(
        read(
            std::string(kModel) + "[[device]]\ncompute = \"1 FLOP/s\"\nmemory = \"1 B\"\n" + medium
        )
            .warnings,
        ElementsAre("network.medium.0: no message uses it, as there is one device")
    );
}

TEST(Warnings, report_events_after_the_end) {
    const std::string late =
        event("at_token = 64\ndevice = \"a\"\nkind = \"compute\"\nfactor = 0.5");
    EXPECT_THAT(
        warnings_of(late),
        ElementsAre(
            "event.0 (a: compute x 0.5 from token 64) never happens: no more than 64 tokens "
            "are generated"
        )
    );
    EXPECT_THAT(warnings_of(late, {"workload.tokens=65"}), IsEmpty());
    EXPECT_THAT(warnings_of(late, {"workload.prompts=[\"a\",\"b\"]"}), IsEmpty());
}

TEST(Warnings, count_the_tokens_of_all_requests) {
    const std::string late =
        event("at_token = 9\ndevice = \"a\"\nkind = \"compute\"\nfactor = 0.5");
    const std::vector<std::string> three{
        "workload.prompts=[\"a\", \"b\"]", "workload.tokens=[1, 2]", "workload.repeat=3"};
    EXPECT_THAT(
        warnings_of(late, three),
        ElementsAre(
            "event.0 (a: compute x 0.5 from token 9) never happens: no more than 9 tokens are "
            "generated"
        )
    );
    std::vector<std::string> four = three;
    four.back() = "workload.repeat=4";
    EXPECT_THAT(warnings_of(late, four), IsEmpty());
}

TEST(Warnings, report_more_sequences_than_requests) {
    const std::vector<std::string> two{"workload.prompts=[\"a\", \"b\"]"};
    const auto with = [&](const std::string& more) { return warnings_of("", {two.front(), more}); };
    EXPECT_THAT(with("workload.sequences=2"), IsEmpty());
    EXPECT_THAT(
        with("workload.sequences=3"),
        ElementsAre("workload.sequences = 3: there are only 2 requests, so never more are in "
                    "flight")
    );
    EXPECT_THAT(
        warnings_of("", {"workload.sequences=3"}),
        ElementsAre("workload.sequences = 3: there is only 1 request, so never more are in flight")
    );
}

TEST(Warnings, report_event_factors_that_improve_a_rate) {
    EXPECT_THAT(
        warnings_of(event("at = 0\nlink = [0, 1]\nkind = \"bandwidth\"\nfactor = 2")),
        ElementsAre("event.0 (a - b: bandwidth x 2 from 0 s) raises it above its first value; a "
                    "factor of 1 restores that")
    );
}

TEST(Warnings, report_rates_that_stay_zero) {
    const std::string down = event("at = 0\nlink = [0, 1]\nkind = \"bandwidth\"\nfactor = 0");
    const std::string up = event("at = \"1 s\"\nlink = [1, 0]\nkind = \"bandwidth\"\nfactor = 1");
    const std::string gone =
        "event.0 (a - b: bandwidth x 0 from 0 s) is not restored later: no message would ever "
        "arrive";
    EXPECT_THAT(warnings_of(down), ElementsAre(gone));
    EXPECT_THAT(warnings_of(down + up), IsEmpty());
    // Events of another target and events in tokens do not restore the rate.
    EXPECT_THAT(
        warnings_of(down + event("at = \"1 s\"\ndevice = 0\nkind = \"compute\"\nfactor = 1")),
        ElementsAre(gone)
    );
    EXPECT_THAT(
        warnings_of(down + event("at_token = 3\nlink = [0, 1]\nkind = \"bandwidth\"\nfactor = 1")),
        ElementsAre(gone)
    );
    EXPECT_THAT(
        warnings_of(event("at = 0\ndevice = 0\nkind = \"compute\"\nfactor = 0")),
        ElementsAre("event.0 (a: compute x 0 from 0 s) is not restored later: nothing that it "
                    "computes would ever end")
    );
    EXPECT_THAT(
        warnings_of(event("at = 0\ndevice = 0\nkind = \"memory\"\nfactor = 0")),
        ElementsAre("event.0 (a: memory x 0 from 0 s) is not restored later: nothing fits there")
    );
}

TEST(Warnings, report_loads_that_leave_no_capacity) {
    EXPECT_THAT(
        warnings_of("", {"device.0.load=1", "device.1.memory_load=1"}),
        ElementsAre(
            "a: load is 1: nothing that it computes would ever end",
            "b: memory_load is 1: nothing fits there"
        )
    );
    EXPECT_THAT(
        warnings_of("variation = { kind = \"steps\", at = [0, \"2.5 s\"], value = [0, 1] }"),
        ElementsAre("network.variation is 1 from 2.5 s on: no message would ever arrive")
    );
}

} // namespace
} // namespace headroom::config
