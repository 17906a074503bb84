#include "fuzz/driver.hpp"

#include <exception>
#include <fstream>

#include <fmt/format.h>

#include "base/error.hpp"
#include "fuzz/child_process.hpp"
#include "fuzz/crash_store.hpp"

namespace headroom::fuzz {

namespace {

constexpr std::size_t kMaxFindings = 10;

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void add_finding(const Limits& limits, const Target& target, Finding finding, Report& report) {
    ++report.finding_count;
    if (report.findings.size() == kMaxFindings) {
        return;
    }
    if (!limits.store.empty()) {
        const auto name = fmt::format("{}-{}-{}", target.name, limits.seed, finding.index);
        std::ofstream(limits.store / name, std::ios::binary) << finding.input;
    }
    report.findings.push_back(std::move(finding));
}

} // namespace

std::string input_of(const Target& target, std::uint64_t seed, std::uint64_t index) {
    Random random(stream_seed(seed, target.name, index));
    return target.make_input(random);
}

Outcome try_input(const Target& target, std::string_view input) {
    using Kind = Outcome::Kind;
    try {
        const bool accepted = target.run(std::as_bytes(std::span(input))) == 1;
        return {accepted ? Kind::accepted : Kind::refused, ""};
    } catch (const InputError& error) {
        const bool has_no_message = error.problems().empty() || *error.what() == '\0';
        return has_no_message ? Outcome{Kind::finding, "a refusal without a word"}
                              : Outcome{Kind::refused, error.what()};
    } catch (const EnvironmentError& error) {
        return {Kind::refused, error.what()};
    } catch (const std::exception& error) {
        return {Kind::finding, error.what()};
    } catch (...) {
        return {Kind::finding, "something that is no exception"};
    }
}

Report run(const Target& target, const Limits& limits) {
    Report report;
    const auto start = std::chrono::steady_clock::now();
    const auto end = start + limits.time;
    store_on_crash(limits.store.empty() ? "" : limits.store / (target.name + "-crash"));
    auto now = start;
    while (limits.time.count() > 0 ? now < end : report.inputs < limits.inputs) {
        const std::uint64_t index = limits.first + report.inputs;
        const std::string input = input_of(target, limits.seed, index);
        set_current_input(input);
        const auto before = std::chrono::steady_clock::now();
        Outcome outcome = try_input(target, input);
        now = std::chrono::steady_clock::now();
        clear_current_input();
        ++report.inputs;
        if (const double took = std::chrono::duration<double>(now - before).count();
            took > report.slowest_seconds) {
            report.slowest_seconds = took;
            report.slowest = index;
        }
        if (outcome.kind == Outcome::Kind::finding) {
            add_finding(limits, target, {std::move(outcome.message), input, index}, report);
        } else {
            ++(outcome.kind == Outcome::Kind::accepted ? report.accepted : report.refused);
            report.library_crashes += outcome.message == kLibraryCrashed ? 1U : 0U;
        }
    }
    report.seconds = seconds_since(start);
    return report;
}

} // namespace headroom::fuzz
