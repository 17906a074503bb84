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
#include "runtime/messages/wire.hpp"

namespace headroom::cli {

namespace {

using runtime::ByteReader;
using runtime::ByteWriter;

constexpr std::uint64_t kHandoverMagic = 0x6865616472'6f6f6dU;

void put_command(ByteWriter& out, const RunCommand& command) {
    out.put_text(command.scenario.string())
        .put_text(command.resume.string())
        .put_text(command.model.string())
        .put_text(command.trace.string())
        .put_text(command.kernels)
        .put_text(command.overrides.clock.value_or(""))
        .put(command.devices)
        .put(command.force)
        .put(command.trace_ops)
        .put(command.json)
        .put(command.text);
}

RunCommand get_command(ByteReader& in) {
    RunCommand command;
    command.scenario = in.get_text();
    command.resume = in.get_text();
    command.model = in.get_text();
    command.trace = in.get_text();
    command.kernels = in.get_text();
    if (const std::string clock = in.get_text(); !clock.empty()) {
        command.overrides.clock = clock;
    }
    command.devices = in.get<int>();
    command.force = in.get<bool>();
    command.trace_ops = in.get<bool>();
    command.json = in.get<bool>();
    command.text = in.get<bool>();
    return command;
}

void put_lines(ByteWriter& out, const std::vector<std::string>& lines) {
    out.put(static_cast<std::uint64_t>(lines.size()));
    for (const std::string& line : lines) {
        out.put_text(line);
    }
}

std::vector<std::string> get_lines(ByteReader& in) {
    std::vector<std::string> lines;
    for (auto left = in.get<std::uint64_t>(); left > 0; --left) {
        lines.push_back(in.get_text());
    }
    return lines;
}

/// Writes the resolved text and everything that it does not contain: names, input files, messages.
void put_scenario(ByteWriter& out, const config::Scenario& scenario) {
    out.put_text(config::resolved_text(scenario))
        .put_text(scenario.path.string())
        .put_text(scenario.name)
        .put(static_cast<std::uint64_t>(scenario.input_files.size()));
    for (const auto& [path, contents] : scenario.input_files) {
        out.put_text(path).put_text(contents);
    }
    put_lines(out, scenario.warnings);
    put_lines(out, scenario.notes);
}

config::Scenario get_scenario(ByteReader& in) {
    const std::string text = in.get_text();
    config::Scenario scenario = config::parse_scenario(text, in.get_text(), {});
    scenario.name = in.get_text();
    scenario.input_files.clear();
    for (auto left = in.get<std::uint64_t>(); left > 0; --left) {
        std::string path = in.get_text();
        scenario.input_files.insert_or_assign(std::move(path), in.get_text());
    }
    scenario.warnings = get_lines(in);
    scenario.notes = get_lines(in);
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
    ByteWriter body;
    put_command(body, handover.command);
    body.put(handover.scenario.has_value());
    if (handover.scenario) {
        put_scenario(body, *handover.scenario);
    }
    const std::vector<std::byte> bytes = body.take();
    const std::vector<std::byte> head =
        ByteWriter().put(kHandoverMagic).put(static_cast<std::uint64_t>(bytes.size())).take();
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
    ByteReader in(bytes);
    if (bytes.size() < kHeadBytes || in.get<std::uint64_t>() != kHandoverMagic ||
        in.get<std::uint64_t>() != bytes.size() - kHeadBytes) {
        throw EnvironmentError(fmt::format(
            "rank 0 got {} bytes on its standard input, expected the run that headroom hands it: "
            "{} is not for users; give headroom run SCENARIO; if you did, whoever started it has "
            "ended",
            bytes.size(),
            kHandedOver
        ));
    }
    Handover handover;
    handover.command = get_command(in);
    if (in.get<bool>()) {
        handover.scenario = get_scenario(in);
    }
    return handover;
}

} // namespace headroom::cli
