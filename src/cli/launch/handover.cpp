#include "cli/launch/handover.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <sys/mman.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/wire.hpp"
#include "cli/launch/rank_handshake.hpp"

namespace headroom {

// The members that an option of `headroom run` sets and that a rank does not know otherwise.
template <>
struct WireFields<config::Overrides> {
    static constexpr bool kIncomplete = true;
    static auto of(auto& m) { return Fields() & m.clock; }
};
template <>
struct WireFields<cli::PolicyOptions> {
    static auto of(auto& m) { return Fields() & m.file & m.timeout_seconds; }
};
template <>
struct WireFields<cli::RunCommand> {
    static constexpr bool kIncomplete = true;
    static auto of(auto& m) {
        return Fields() & m.scenario & m.resume & m.model & m.trace & m.kernels & m.overrides &
               m.own_policy & m.devices & m.no_trace & m.force & m.trace_ops & m.json & m.text;
    }
};

} // namespace headroom

namespace headroom::cli {

namespace {

using Head = std::pair<std::uint64_t, std::uint64_t>; ///< kHandoverMagic, bytes that follow
constexpr std::uint64_t kHandoverMagic = 0x6865616472'6f6f6dU;

/// The resolved text of a scenario and what it does not contain: names, input files, messages.
struct ScenarioTexts {
    std::string resolved;
    std::filesystem::path path;
    std::string name;
    std::vector<std::pair<std::string, std::string>> input_files;
    std::vector<std::string> warnings;
    std::vector<std::string> notes;
    static auto wire_fields(auto& m) {
        return Fields() & m.resolved & m.path & m.name & m.input_files & m.warnings & m.notes;
    }
};

struct Contents {
    std::string program; ///< comes first in all versions
    RunCommand command;
    std::optional<ScenarioTexts> scenario;
    static auto wire_fields(auto& m) { return Fields() & m.program & m.command & m.scenario; }
};

ScenarioTexts texts_of(const config::Scenario& scenario) {
    const auto& files = scenario.input_files;
    return {
        config::resolved_text(scenario),
        scenario.path,
        scenario.name,
        {files.begin(), files.end()},
        scenario.warnings,
        scenario.notes};
}

config::Scenario scenario_of(const ScenarioTexts& texts) {
    config::Scenario scenario = config::parse_scenario(texts.resolved, texts.path, {});
    scenario.name = texts.name;
    scenario.input_files = {texts.input_files.begin(), texts.input_files.end()};
    scenario.warnings = texts.warnings;
    scenario.notes = texts.notes;
    return scenario;
}

[[noreturn]] void fail(int reason) {
    throw EnvironmentError(fmt::format(
        "the run cannot be handed to mpirun: {}; expected memory and one more file descriptor: "
        "raise the limits (ulimit -n, ulimit -v), or use --transport inprocess",
        std::strerror(reason)
    ));
}

void write_all(int descriptor, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t length = write(descriptor, bytes.data(), bytes.size());
        if (length < 0 && errno != EINTR) {
            fail(errno);
        }
        bytes = bytes.subspan(length < 0 ? 0 : static_cast<std::size_t>(length));
    }
}

std::vector<std::byte> read_standard_input() {
    std::vector<std::byte> bytes;
    std::array<std::byte, 65536> buffer{};
    for (;;) {
        const ssize_t length = read(STDIN_FILENO, buffer.data(), buffer.size());
        if (length == 0 || (length < 0 && errno != EINTR)) {
            return bytes;
        }
        bytes.insert(bytes.end(), buffer.begin(), buffer.begin() + std::max<ssize_t>(length, 0));
    }
}

} // namespace

std::vector<std::string> rank_arguments(const RunCommand& command) {
    std::vector<std::string> words{"run", kHandedOver};
    if (!command.kernels.empty()) { // a known level: it has been checked
        words.insert(words.end(), {"--kernels", command.kernels});
    }
    if (command.json) {
        words.emplace_back("--json");
    }
    return words;
}

int handover_descriptor(const Handover& handover) {
    Contents contents{program_text(), handover.command, std::nullopt};
    if (handover.scenario) {
        contents.scenario = texts_of(*handover.scenario);
    }
    const std::vector<std::byte> bytes = pack(contents);
    const std::vector<std::byte> head =
        pack(Head{kHandoverMagic, static_cast<std::uint64_t>(bytes.size())});
    const int descriptor = memfd_create("headroom-run", MFD_CLOEXEC);
    if (descriptor < 0) {
        fail(errno);
    }
    try {
        write_all(descriptor, head);
        write_all(descriptor, bytes);
    } catch (...) {
        (void)close(descriptor);
        throw;
    }
    (void)lseek(descriptor, 0, SEEK_SET);
    return descriptor;
}

Handover read_handover() {
    constexpr std::size_t kHeadBytes = 2 * sizeof(std::uint64_t);
    const std::vector<std::byte> bytes = read_standard_input();
    if (bytes.size() < kHeadBytes ||
        unpack_front<Head>(bytes) != Head{kHandoverMagic, bytes.size() - kHeadBytes}) {
        throw EnvironmentError(fmt::format(
            "rank 0 got {} bytes on its standard input, expected the run that headroom hands it: "
            "{} is not for users; give headroom run SCENARIO; if you did, whoever started it has "
            "ended",
            bytes.size(),
            kHandedOver
        ));
    }
    const auto body = std::span(bytes).subspan(kHeadBytes);
    if (const auto program = unpack_front<std::string>(body); program != program_text()) {
        throw EnvironmentError(fmt::format(
            "the run was started by {}, but rank 0 runs {}: install the same program on all hosts",
            program,
            program_text()
        ));
    }
    Contents contents = unpack<Contents>(body);
    Handover handover{std::move(contents.command), std::nullopt};
    if (contents.scenario) {
        handover.scenario = scenario_of(*contents.scenario);
    }
    return handover;
}

} // namespace headroom::cli
