// Runs a target over inputs drawn from a seed and keeps count. Plain and deterministic: any
// compiler, any build; input i of a seed is the same everywhere.
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

struct Target {
    std::string name;
    std::function<int(std::span<const std::byte>)> run; ///< see targets.hpp
    std::function<std::string(Random&)> make_input;
};

/// gguf, tokenizer, scenario, trace (where the room runtime is built).
[[nodiscard]] const std::vector<Target>& targets();

struct Limits {
    std::uint64_t seed = 1;
    std::uint64_t first = 0; ///< index of the first input
    std::uint64_t inputs = 0;
    std::chrono::seconds time{0}; ///< 0: until all inputs are through
    /// Where failing inputs are stored; empty: nowhere.
    std::filesystem::path store{};
};

struct Finding {
    std::string what;
    std::string input;
    std::uint64_t index = 0;
};

struct Report {
    std::uint64_t inputs = 0;
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;
    std::uint64_t broke_down = 0; ///< of these, inputs that a library crashed on, and was caught
    std::uint64_t finding_count = 0;
    std::vector<Finding> findings; ///< the first ten
    double seconds = 0;
    double slowest_seconds = 0;
    std::uint64_t slowest = 0; ///< index of that input
};

/// Input `index` of a seed.
[[nodiscard]] std::string input_of(const Target& target, std::uint64_t seed, std::uint64_t index);

/// How one input ended.
struct Ending {
    enum class Kind { accepted, refused, finding } kind = Kind::accepted;
    std::string words; ///< of the refusal or of what was thrown
};
[[nodiscard]] Ending try_input(const Target& target, std::string_view input);

/// Until the limits are reached. A crash, a sanitizer's report or an input that takes longer than a
/// minute ends the process; the input is in the store by then, if there is one.
[[nodiscard]] Report run(const Target& target, const Limits& limits);

} // namespace headroom::fuzz
