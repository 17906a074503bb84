// The openblas level on the core that this CPU should run it with. OpenBLAS picks its core while it
// is loaded, so the test runs this program again with the environment that src/cli would set.
#include <cstdlib>
#include <filesystem>

#include "support.hpp"

namespace headroom::kernels {
namespace {

constexpr const char* kCoreType = "OPENBLAS_CORETYPE";

/// Runs the tests that `filter` selects in this program with the wanted core; their exit code.
int run_again(const std::string& filter) {
    const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
    const std::string command = std::string(kCoreType) + "=" + std::string(openblas_core_wanted()) +
                                " '" + self + "' --gtest_filter='" + filter + "' > /dev/null 2>&1";
    return std::system(command.c_str());
}

TEST(OpenblasCore, is_the_one_that_the_environment_names) {
    const char* wanted = std::getenv(kCoreType);
    if (wanted == nullptr || openblas_core().empty()) {
        GTEST_SKIP() << kCoreType << " is not set, or OpenBLAS is not built in";
    }
    EXPECT_EQ(openblas_core(), wanted);
}

TEST(OpenblasCore, keeps_every_promise_with_the_core_that_this_cpu_wants) {
    if (openblas_core_wanted().empty()) {
        GTEST_SKIP() << "OpenBLAS is not built in or needs no advice on this CPU";
    }
    EXPECT_EQ(run_again("*/openblas:OpenblasCore.is_the_one*"), 0);
}

// The negative twin's victim; run_again must see it fail.
TEST(OpenblasCore, DISABLED_always_fails) {
    FAIL();
}

TEST(OpenblasCore, notices_a_test_that_fails_in_the_second_run) {
    EXPECT_NE(run_again("*always_fails' --gtest_also_run_disabled_tests '"), 0);
}

} // namespace
} // namespace headroom::kernels
