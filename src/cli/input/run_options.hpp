// The options of the commands that read a scenario: run, simulate and plan.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "cli/input/options.hpp"
#include "config/scenario/scenario.hpp"

namespace headroom::cli {

enum class TransportKind : std::uint8_t { mpi, inprocess };

/// What the options of `headroom run` say. A run is given by a scenario, by a trace to resume, or
/// by `model` and `devices`.
struct RunCommand {
    std::filesystem::path scenario; ///< empty if not given
    std::filesystem::path resume;   ///< trace of the run to resume; empty if not given
    std::filesystem::path model;    ///< GGUF file; with `resume`, replaces the file of the scenario
    int devices = 0;
    config::Overrides overrides; ///< scenario keys that options change
    std::filesystem::path trace; ///< trace to write; if empty, named after scenario and time
    bool no_trace = false;       ///< no trace is written
    bool force = false;          ///< an existing trace may be overwritten
    bool trace_ops = false;      ///< every operation and message is recorded
    bool json = false;
    TransportKind transport = TransportKind::mpi;
    std::string kernels;      ///< kernels such as `avx2`; if empty, the best for this CPU
    bool text = true;         ///< the generated text is printed to stdout
    bool handed_over = false; ///< this is a rank that headroom started; see kHandedOver
};

/// Option of ranks that headroom starts itself, where rank 0 gets the rest of its RunCommand
/// through standard input (cli/launch/handover.hpp). The help does not show this option.
inline constexpr const char* kHandedOver = "--handed-over";

/// Adds the options that name and change the scenario, except --policy.
void add_scenario_options(Options& options, RunCommand& run);

/// Adds --trace, --no-trace, --force and --trace-ops.
void add_trace_options(Options& options, RunCommand& run);

/// Throws InputError if --no-trace and an option about the trace are given.
void check_no_trace(const Options& options);

/// Throws InputError if options contradict each other, or unless exactly one of SCENARIO, --resume
/// and --model with --devices is given.
void check_run_options(const Options& options, const RunCommand& run);

} // namespace headroom::cli
