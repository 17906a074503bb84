// The fuzz driver as a program:
//   headroom_fuzz TARGET|all [--inputs N | --seconds N] [--seed N] [--first N] [--store DIR]
//   headroom_fuzz TARGET FILE...     runs stored inputs
//   headroom_fuzz TARGET --inputs N --corpus DIR     writes inputs as files and runs nothing
// Exit code 0: no findings; 1: findings; 2: wrong arguments. A crash ends the program by its
// signal.
#include <charconv>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>

#include <fmt/format.h>

#include "fuzz/crash_store.hpp"
#include "fuzz/driver.hpp"

namespace {

using namespace headroom;
using fuzz::Report;
using fuzz::Target;

struct Arguments {
    std::string target;
    fuzz::Limits limits;
    std::vector<std::filesystem::path> files;
    std::filesystem::path corpus;
};

std::optional<std::uint64_t> number_in(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole ? std::optional(value) : std::nullopt;
}

bool set_option(std::string_view option, const std::string& value, Arguments& arguments) {
    fuzz::Limits& limits = arguments.limits;
    if (option == "--store" || option == "--corpus") {
        (option == "--store" ? limits.store : arguments.corpus) = value;
        return true;
    }
    const auto number = number_in(value);
    if (!number) {
        return false;
    }
    if (option == "--inputs") {
        limits.inputs = *number;
    } else if (option == "--seconds") {
        limits.time = std::chrono::seconds(*number);
    } else if (option == "--seed") {
        limits.seed = *number;
    } else if (option == "--first") {
        limits.first = *number;
    } else {
        return false;
    }
    return true;
}

std::optional<Arguments> read_arguments(int count, char** values) {
    Arguments arguments;
    arguments.limits.inputs = 1000;
    for (int i = 1; i < count; ++i) {
        const std::string argument = values[i];
        if (argument.starts_with("--")) {
            if (++i == count || !set_option(argument, values[i], arguments)) {
                return std::nullopt;
            }
        } else if (arguments.target.empty()) {
            arguments.target = argument;
        } else {
            arguments.files.emplace_back(argument);
        }
    }
    return arguments.target.empty() ? std::nullopt : std::optional(arguments);
}

int rerun_stored(const Target& target, const std::vector<std::filesystem::path>& files) {
    int findings = 0;
    for (const auto& path : files) {
        std::ifstream file(path, std::ios::binary);
        const std::string input{std::istreambuf_iterator<char>(file), {}};
        const fuzz::Outcome outcome = fuzz::try_input(target, input);
        findings += outcome.kind == fuzz::Outcome::Kind::finding ? 1 : 0;
        constexpr const char* kKinds[] = {"accepted", "refused", "finding"};
        fmt::print(
            "{}: {}: {}\n", path.string(), kKinds[static_cast<int>(outcome.kind)], outcome.message
        );
    }
    return findings;
}

void write_corpus(const Target& target, const Arguments& arguments) {
    const fuzz::Limits& limits = arguments.limits;
    for (std::uint64_t i = limits.first; i < limits.first + limits.inputs; ++i) {
        const auto path = arguments.corpus / fmt::format("{}-{}-{}", target.name, limits.seed, i);
        std::ofstream(path, std::ios::binary) << fuzz::input_of(target, limits.seed, i);
    }
}

void print(const Target& target, std::uint64_t seed, const Report& report) {
    fmt::print(
        "{:<10} seed {}: {} inputs in {:.1f} s ({:.0f} per second): {} accepted, {} refused"
        "{}, {} findings; the slowest, {}, took {:.3f} s\n",
        target.name,
        seed,
        report.inputs,
        report.seconds,
        static_cast<double>(report.inputs) / report.seconds,
        report.accepted,
        report.refused,
        report.library_crashes > 0
            ? fmt::format(" ({} of them by a library that broke down)", report.library_crashes)
            : "",
        report.finding_count,
        report.slowest,
        report.slowest_seconds
    );
    for (const fuzz::Finding& finding : report.findings) {
        fmt::print("  input {}: {}\n", finding.index, finding.what);
    }
    std::fflush(stdout);
}

} // namespace

int main(int count, char** values) {
    const auto arguments = read_arguments(count, values);
    bool known = false;
    std::uint64_t findings = 0;
    for (const Target& target : fuzz::targets()) {
        if (!arguments || (arguments->target != "all" && arguments->target != target.name)) {
            continue;
        }
        known = true;
        if (!arguments->files.empty()) {
            findings += static_cast<std::uint64_t>(rerun_stored(target, arguments->files));
            continue;
        }
        if (!arguments->corpus.empty()) {
            write_corpus(target, *arguments);
            continue;
        }
        const Report report = fuzz::run(target, arguments->limits);
        print(target, arguments->limits.seed, report);
        findings += report.finding_count;
    }
    if (!known) {
        std::fputs(
            "usage: headroom_fuzz gguf|tokenizer|scenario|all [--inputs N | --seconds N] "
            "[--seed N] [--first N] [--store DIR] [--corpus DIR] [FILE...]\n",
            stderr
        );
        return 2;
    }
    return findings > 0 ? 1 : 0;
}
