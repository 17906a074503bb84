// A scratch directory per test, and running other programs.
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

/// Fixture with a directory that goes when the test does.
class InScratch : public testing::Test {
  public:
    InScratch() {
        std::string pattern = (std::filesystem::temp_directory_path() / "trace-XXXXXX").string();
        scratch_ = mkdtemp(pattern.data());
    }
    ~InScratch() override { std::filesystem::remove_all(scratch_); }

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

struct Finished {
    int status = 0; ///< as wait() gives it: 0 is success
    std::string output;
};

/// Runs a command line of the shell and collects what it prints.
inline Finished run(const std::string& command) {
    Finished finished;
    FILE* pipe = popen((command + " 2>&1").c_str(), "r");
    std::array<char, 4096> piece{};
    std::size_t bytes = 0;
    while ((bytes = fread(piece.data(), 1, piece.size(), pipe)) > 0) {
        finished.output.append(piece.data(), bytes);
    }
    finished.status = pclose(pipe);
    return finished;
}

/// The what() of the Error that an action throws.
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
