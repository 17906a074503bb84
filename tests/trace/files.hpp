// Helpers for tests with files: a scratch directory per test, and running other programs.
#pragma once

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

namespace headroom::trace {

/// A fixture with a temporary directory that is removed after the test.
class ScratchDirectoryTest : public testing::Test {
  public:
    ScratchDirectoryTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "trace-XXXXXX").string();
        scratch_ = mkdtemp(pattern.data());
    }
    ~ScratchDirectoryTest() override { std::filesystem::remove_all(scratch_); }

    [[nodiscard]] std::string path(const std::string& name = "run.h5") const {
        return (scratch_ / name).string();
    }
    [[nodiscard]] std::string directory() const { return scratch_.string(); }

  private:
    std::filesystem::path scratch_;
};

inline std::string contents_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream all;
    all << file.rdbuf();
    return all.str();
}

struct CommandResult {
    int status = 0; ///< status of wait(): 0 is success
    std::string output;
};

/// Runs a command in the shell. Returns its status and output.
inline CommandResult run(const std::string& command) {
    CommandResult result;
    FILE* pipe = popen((command + " 2>&1").c_str(), "r");
    std::array<char, 4096> chunk{};
    std::size_t bytes = 0;
    while ((bytes = fread(chunk.data(), 1, chunk.size(), pipe)) > 0) {
        result.output.append(chunk.data(), bytes);
    }
    result.status = pclose(pipe);
    return result;
}

/// Returns the what() of the Error that an action throws. Fails the test if it throws nothing.
template <class Error, class Action>
std::string error_of(Action action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    ADD_FAILURE() << "did not throw as expected";
    return "";
}

} // namespace headroom::trace
