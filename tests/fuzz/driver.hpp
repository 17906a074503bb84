// Runs a target on random inputs and counts the results. It needs no special compiler or build.
// Input i of a seed is the same everywhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"

namespace headroom::fuzz {

/// A function under test and the generator of its inputs.
struct Target {
    std::string name;
    std::function<int(std::span<const std::byte>)> run; ///< see targets.hpp for its contract
    std::function<std::string(Random&)> make_input;
};

/// Returns the targets gguf, tokenizer, scenario and, if the room cli is built, trace.
[[nodiscard]] const std::vector<Target>& targets();

/// Which inputs to run.
struct Limits {
    std::uint64_t seed = 1;
    std::uint64_t first = 0; ///< index of the first input
    std::uint64_t inputs = 0;
    std::chrono::seconds time{0}; ///< if not 0: run for this time, whatever `inputs` says
    /// Folder where inputs with findings are stored; empty: they are not stored.
    std::filesystem::path store{};
};

/// An input on which the target did not end as it may.
struct Finding {
    std::string what; ///< message of the exception
    std::string input;
    std::uint64_t index = 0;
};

struct Report {
    std::uint64_t inputs = 0;
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;
    std::uint64_t library_crashes = 0; ///< refused inputs on which a library crashed
    std::uint64_t finding_count = 0;
    std::vector<Finding> findings; ///< the first ten findings
    double seconds = 0;
    double slowest_seconds = 0;
    std::uint64_t slowest = 0; ///< index of the slowest input
};

/// Returns input `index` of a seed.
[[nodiscard]] std::string input_of(const Target& target, std::uint64_t seed, std::uint64_t index);

/// How one input ended.
struct Outcome {
    enum class Kind { accepted, refused, finding } kind = Kind::accepted;
    std::string message; ///< message of the exception; empty if the input was accepted
};
/// Runs the target on one input.
[[nodiscard]] Outcome try_input(const Target& target, std::string_view input);

/// Runs the target until the limits are reached. A crash, a sanitizer's report or an input that
/// takes longer than a minute ends the process; the input is stored before, if there is a folder.
[[nodiscard]] Report run(const Target& target, const Limits& limits);

} // namespace headroom::fuzz
