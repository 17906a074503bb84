// The command line of headroom as values: one struct per command.
// Source: docs/reference/command-line.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/scenario/scenario.hpp"

namespace headroom::cli {

enum class TransportKind : std::uint8_t { mpi, inprocess };

/// `headroom run`. A run is given by a scenario, by a trace to resume, or by `model` and `devices`.
struct RunCommand {
    std::filesystem::path scenario; ///< empty if not given
    std::filesystem::path resume;   ///< trace of the run to resume; empty if not given
    std::filesystem::path model;    ///< GGUF file; with `resume`, replaces the file of the scenario
    int devices = 0;
    config::Overrides overrides; ///< scenario keys that options change
    std::filesystem::path trace; ///< trace to write; if empty, named after scenario and time
    bool force = false;          ///< an existing trace may be overwritten
    bool trace_ops = false;      ///< every operation and message is recorded
    bool json = false;
    TransportKind transport = TransportKind::mpi;
    std::string kernels;      ///< kernel level; if empty, the best that this CPU can run
    bool text = true;         ///< the generated text is printed to stdout
    bool handed_over = false; ///< this is a rank that headroom started; see kHandedOver
};

/// Option of ranks that headroom starts itself: rank 0 gets the rest of its RunCommand through
/// standard input (cli/launch/handover.hpp). The help does not show it.
inline constexpr const char* kHandedOver = "--handed-over";

/// `headroom simulate`, with one policy or several that are compared.
struct SimulateCommand {
    RunCommand run; ///< scenario, overrides, trace and output; transport and kernels are ignored
    std::vector<std::string> policies; ///< if empty, the scenario's policy
};

/// `headroom plan`: one decision per policy.
struct PlanCommand {
    RunCommand run;                    ///< scenario, overrides and json; the rest is ignored
    std::vector<std::string> policies; ///< if empty, all that can be applied
    std::optional<std::int64_t> at;    ///< tokens sampled so far; by default as in `previous`
    std::optional<std::string>
        previous;      ///< source of the placement in force: policy, trace or plan
    bool full = false; ///< list every device and every move
};

/// `headroom replay`: verifies a trace, or computes counterfactuals under other policies.
struct ReplayCommand {
    std::filesystem::path trace;
    std::vector<std::string> policies; ///< policies of the counterfactuals; if empty, verify
    std::filesystem::path out; ///< trace of the counterfactual; if empty, named after `trace`
    bool force = false;
    bool trace_ops = false;
    bool json = false;
};

/// `headroom export`: at least one of `perfetto` and `csv` is given.
struct ExportCommand {
    std::filesystem::path trace;
    std::filesystem::path perfetto; ///< file to write
    std::filesystem::path csv;      ///< folder to write into
    bool force = false;
    bool json = false;
};

/// `headroom sweep`: exactly one of `list`, `index` and `all` is given.
struct SweepCommand {
    std::filesystem::path sweep;
    bool list = false;
    std::optional<std::int64_t> index; ///< number of the only cell to run
    bool all = false;
    std::int64_t jobs = 1;     ///< with `all`: number of cells that run at the same time
    std::filesystem::path out; ///< folder of the traces; if empty, the folder that the sweep names
    bool json = false;
};

/// `headroom collect`: one row per trace of a folder.
struct CollectCommand {
    std::filesystem::path folder;
    std::filesystem::path out; ///< .h5 or .csv
    bool force = false;
    bool json = false;
};

/// `headroom inspect`.
struct InspectCommand {
    std::filesystem::path file;
    bool devices = false; ///< show the catalogue instead of a file
    bool repair = false;
    bool json = false;
};

/// Exactly one member has a value.
struct CommandLine {
    std::optional<RunCommand> run;
    std::optional<SimulateCommand> simulate;
    std::optional<PlanCommand> plan;
    std::optional<InspectCommand> inspect;
    std::optional<ReplayCommand> replay;
    std::optional<ExportCommand> export_;
    std::optional<SweepCommand> sweep;
    std::optional<CollectCommand> collect;
    std::optional<int> exit_code; ///< set if help or the version was printed
};

/// Whether --json is among the arguments. Works for every command line, so that an error in the
/// command line can be reported as JSON, too.
[[nodiscard]] bool wants_json(int argc, char** argv);

/// Reads the command line; prints help or the version if it asks for them. Throws InputError if the
/// command line is wrong.
[[nodiscard]] CommandLine read_command_line(int argc, char** argv);

} // namespace headroom::cli
