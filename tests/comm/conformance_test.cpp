// The in-process fleet passes the conformance suite; every broken transport fails its case.
#include <memory>
#include <ostream>
#include <string>
#include <tuple>

#include <gtest/gtest.h>

#include "broken_transports.hpp"
#include "comm/inprocess/inprocess.hpp"
#include "conformance.hpp"

namespace headroom::comm {

void PrintTo(const ConformanceCase& one, std::ostream* out) {
    *out << one.name;
}

void PrintTo(const BrokenTransport& broken, std::ostream* out) {
    *out << broken.name;
}

namespace {

using CaseAndSize = std::tuple<ConformanceCase, std::size_t>;

std::string name_of_case(const CaseAndSize& parameters) {
    return std::string(std::get<0>(parameters).name) + "_on_" +
           std::to_string(std::get<1>(parameters));
}

class InprocessConformance : public testing::TestWithParam<CaseAndSize> {};

TEST_P(InprocessConformance, holds) {
    const auto& [one, devices] = GetParam();
    InprocessFleet(devices).run([run = one.run](Transport& transport) { run(transport); });
}

INSTANTIATE_TEST_SUITE_P(
    AllCases,
    InprocessConformance,
    testing::Combine(testing::ValuesIn(conformance_cases()), testing::Values(1, 2, 4)),
    [](const auto& parameters) { return name_of_case(parameters.param); }
);

class BrokenTransports : public testing::TestWithParam<BrokenTransport> {};

void run_broken(const BrokenTransport& broken, const ConformanceCase& one) {
    InprocessFleet(2).run([&](Transport& transport) {
        const std::unique_ptr<Transport> wrong = broken.make(transport);
        one.run(*wrong);
    });
}

TEST_P(BrokenTransports, fail_the_case_they_break) {
    const BrokenTransport& broken = GetParam();
    if (broken.failing_case.empty()) {
        // The transport without a fault passes, so the twins fail because of their faults.
        for (const ConformanceCase& one : conformance_cases()) {
            if (one.name != "interrupt_ends_waits" &&
                one.name != "wait_that_never_ends_names_both") {
                EXPECT_NO_THROW(run_broken(broken, one)) << one.name;
            }
        }
        return;
    }
    EXPECT_ANY_THROW(run_broken(broken, conformance_case(broken.failing_case)));
}

INSTANTIATE_TEST_SUITE_P(
    AllTwins,
    BrokenTransports,
    testing::ValuesIn(broken_transports()),
    [](const auto& parameters) { return std::string(parameters.param.name); }
);

TEST(ConformanceSuite, has_a_twin_for_every_case) {
    for (const ConformanceCase& one : conformance_cases()) {
        bool twin = false;
        for (const BrokenTransport& broken : broken_transports()) {
            twin = twin || broken.failing_case == one.name;
        }
        EXPECT_TRUE(twin) << one.name;
    }
}

} // namespace
} // namespace headroom::comm
