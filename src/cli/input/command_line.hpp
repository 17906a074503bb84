// What a user typed, as values. The contract is docs/reference/command-line.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/scenario/scenario.hpp"

namespace headroom::cli {

enum class TransportKind : std::uint8_t { mpi, inprocess };

struct RunCommand {
    std::filesystem::path scenario; ///< empty: model and devices are given instead
    std::filesystem::path resume;   ///< instead of a scenario: a trace whose run goes on
    std::filesystem::path model;
    int devices = 0;
    config::Overrides overrides;
    std::filesystem::path trace; ///< empty: named after scenario and time
    bool force = false;
    bool trace_ops = false;
    bool json = false;
    TransportKind transport = TransportKind::mpi;
    std::string kernels;      ///< empty: the best of this CPU
    bool text = true;         ///< there is a text to stream to stdout
    bool handed_over = false; ///< a rank of ours: the rest of this comes through standard input
};

/// The option that says so. Not for users.
inline constexpr const char* kHandedOver = "--handed-over";

/// `headroom simulate`, with one policy or several after each other.
struct SimulateCommand {
    RunCommand run; ///< scenario, changes, trace; transport and kernels say nothing
    std::vector<std::string> policies; ///< empty: the scenario's
};

/// `headroom plan`: one decision per policy.
struct PlanCommand {
    RunCommand run;                      ///< scenario and changes; the rest says nothing
    std::vector<std::string> policies;   ///< empty: all that apply
    std::optional<std::int64_t> at;      ///< tokens sampled so far; nothing: as `previous` has it
    std::optional<std::string> previous; ///< policy, trace or plan; nothing: the first placement
    bool full = false;                   ///< every device and every move
};

/// `headroom replay`: the recorded decisions and times again, or what would have happened.
struct ReplayCommand {
    std::filesystem::path trace;
    std::vector<std::string> policies; ///< empty: verify
    std::filesystem::path out;         ///< of counterfactuals; empty: named after the trace
    bool force = false;
    bool trace_ops = false;
    bool json = false;
};

/// `headroom export`: one of the two is given.
struct ExportCommand {
    std::filesystem::path trace;
    std::filesystem::path perfetto; ///< file to write
    std::filesystem::path csv;      ///< folder to write into
    bool force = false;
    bool json = false;
};

/// `headroom sweep`: exactly one of list, index and all.
struct SweepCommand {
    std::filesystem::path sweep;
    bool list = false;
    std::optional<std::int64_t> index;
    bool all = false;
    std::int64_t jobs = 1;     ///< with all: cells at a time
    std::filesystem::path out; ///< folder of the traces; empty: as the sweep says
    bool json = false;
};

/// `headroom collect`: one row per trace of a folder.
struct CollectCommand {
    std::filesystem::path folder;
    std::filesystem::path out; ///< .h5 or .csv
    bool force = false;
    bool json = false;
};

struct InspectCommand {
    std::filesystem::path file;
    bool devices = false; ///< the catalogue instead of a file
    bool repair = false;
    bool json = false;
};

struct CommandLine {
    std::optional<RunCommand> run;
    std::optional<SimulateCommand> simulate;
    std::optional<PlanCommand> plan;
    std::optional<InspectCommand> inspect;
    std::optional<ReplayCommand> replay;
    std::optional<ExportCommand> export_;
    std::optional<SweepCommand> sweep;
    std::optional<CollectCommand> collect;
    std::optional<int> exit_code; ///< help or version was printed: end with this code
};

/// Also of a line that cannot be read: failures are told as JSON then.
[[nodiscard]] bool wants_json(int argc, char** argv);

/// Throws InputError: what was wrong, what was expected, which command shows more.
[[nodiscard]] CommandLine read_command_line(int argc, char** argv);

} // namespace headroom::cli
