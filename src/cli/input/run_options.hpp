// The options of the commands that read a scenario: run, simulate and plan.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "cli/input/options.hpp"
#include "config/scenario/scenario.hpp"

namespace headroom::cli {

/// A policy that is not part of the program.
struct PolicyOptions {
    std::string file;         ///< as given, see policy_file.hpp; empty for a policy of the program
    int timeout_seconds = 60; ///< the most wall time for one of its decisions
};

enum class TransportKind : std::uint8_t { mpi, inprocess };

/// The values of the options of `headroom run`; `simulate` and `plan` use a part of them. A run is
/// given by a scenario, by a trace to resume, or by `model` and `devices`.
struct RunCommand {
    std::filesystem::path scenario; ///< empty if not given
    std::filesystem::path resume;   ///< trace of the run to resume; empty if not given
    std::filesystem::path model;    ///< GGUF file; with `resume`, replaces the trace's model file
    int devices = 0;                ///< number of equal devices for `model`; 0 if not given
    config::Overrides overrides;    ///< scenario keys that options change
    PolicyOptions own_policy;
    /// The trace to write. If empty, the name is made from the scenario's name, the time and the
    /// process id.
    std::filesystem::path trace;
    bool no_trace = false;  ///< no trace is written
    bool force = false;     ///< an existing trace may be overwritten
    bool trace_ops = false; ///< every operation and message is recorded
    bool json = false;
    TransportKind transport = TransportKind::mpi;
    std::string kernels;      ///< name of the kernels, such as `avx2`; empty if not given
    bool text = true;         ///< the generated text is printed to stdout
    bool handed_over = false; ///< this process is a rank that headroom started; see kHandedOver
};

/// The option by which headroom marks the ranks that it starts. Of these ranks, rank 0 reads its
/// RunCommand from standard input (cli/launch/handover.hpp). The help does not show this option.
inline constexpr const char* kHandedOver = "--handed-over";

/// Adds the options that name and change the scenario, except --policy.
void add_scenario_options(Options& options, RunCommand& run);

/// Adds the options for a policy that is not part of the program, except --policy.
void add_own_policy_options(Options& options, PolicyOptions& own_policy);

/// Adds the limit of time for such a policy.
void add_policy_timeout(Options& options, PolicyOptions& own_policy);

/// Adds --trace, --no-trace, --force and --trace-ops.
void add_trace_options(Options& options, RunCommand& run);

/// Throws InputError if --no-trace is given together with an option that needs a trace.
void check_no_trace(const Options& options);

/// Throws InputError if options contradict each other, or if the user does not give exactly one of
/// three: SCENARIO, --resume, or --model with --devices.
void check_run_options(const Options& options, const RunCommand& run);

} // namespace headroom::cli
