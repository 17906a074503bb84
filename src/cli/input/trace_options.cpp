#include "cli/input/trace_options.hpp"

#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/input/usage.hpp"
#include "cli/input/validators.hpp"
#include "scheduler/policies/registry.hpp"

namespace headroom::cli {

namespace {

/// Throws InputError if the positional argument of the command is missing.
void expect_file(
    const CLI::App& app, const std::filesystem::path& file, const char* what, const char* example
) {
    if (file.empty()) {
        throw_usage_error(
            app.get_name(),
            fmt::format(
                "{} is missing, expected one; for example: headroom {}",
                what,
                fmt::format("{} {}", app.get_name(), example)
            )
        );
    }
}

constexpr std::int64_t kMaxJobs = 4096;

} // namespace

void TraceOptions::add_to(CLI::App& app) {
    add_replay(app);
    add_export(app);
    add_sweep(app);
    add_collect(app);
    for (CLI::App* const command : {replay_app_, export_app_, sweep_app_, collect_app_}) {
        command->allow_extras();
    }
}

CLI::App* TraceOptions::parsed_command() const {
    for (CLI::App* const command : {replay_app_, export_app_, sweep_app_, collect_app_}) {
        if (command->parsed()) {
            return command;
        }
    }
    return nullptr;
}

void TraceOptions::store_command(CommandLine& line) const {
    if (replay_app_->parsed()) {
        store_replay(line);
    } else if (export_app_->parsed()) {
        store_export(line);
    } else if (sweep_app_->parsed()) {
        store_sweep(line);
    } else if (collect_app_->parsed()) {
        store_collect(line);
    }
}

void TraceOptions::add_replay(CLI::App& app) {
    replay_app_ = app.add_subcommand(
        "replay", "do the recorded decisions and times come out again; what would others have done"
    );
    CLI::App& command = *replay_app_;
    command.add_option("TRACE", replay_.trace, "trace (.h5); no model file is needed");
    command.add_option(
        "--policy",
        policies_,
        fmt::format(
            "what would have happened under one, several with commas between, or all: {}",
            fmt::join(scheduler::policy_names(), ", ")
        )
    );
    command.add_option(
        "--trace", replay_.out, "with --policy: trace to write (several: OUT.POLICY.h5)"
    );
    command.add_flag("--force", replay_.force, "overwrite existing traces");
    command.add_flag("--trace-ops", replay_.trace_ops, "with --policy: record every operation too");
    command.add_flag("--json", replay_.json, "print the result as JSON");
}

void TraceOptions::store_replay(CommandLine& line) const {
    const std::string name = replay_app_->get_name();
    expect_file(*replay_app_, replay_.trace, "a trace (.h5)", "out.h5");
    ReplayCommand command = replay_;
    if (replay_app_->count("--policy") > 0) {
        command.policies = policy_list(name, policies_);
    } else if (!command.out.empty() || command.trace_ops || command.force) {
        throw_usage_error(
            name,
            "--trace, --trace-ops and --force are for what would have happened, expected --policy "
            "with them; without --policy the trace is verified and nothing is written"
        );
    }
    line.replay = command;
}

void TraceOptions::add_export(CLI::App& app) {
    export_app_ = app.add_subcommand("export", "a trace for other programs: Perfetto, CSV");
    CLI::App& command = *export_app_;
    command.add_option("TRACE", export_.trace, "trace (.h5)");
    command.add_option(
        "--perfetto", export_.perfetto, "trace-event JSON to write, for ui.perfetto.dev"
    );
    command.add_option("--csv", export_.csv, "folder to write one file per table into");
    command.add_flag("--force", export_.force, "overwrite what exists");
    command.add_flag("--json", export_.json, "print what was written as JSON");
}

void TraceOptions::store_export(CommandLine& line) const {
    expect_file(*export_app_, export_.trace, "a trace (.h5)", "out.h5 --perfetto out.json");
    if (export_.perfetto.empty() && export_.csv.empty()) {
        throw_usage_error(
            export_app_->get_name(),
            "where to is missing, expected --perfetto OUT.json, --csv FOLDER, or both"
        );
    }
    line.export_ = export_;
}

void TraceOptions::add_sweep(CLI::App& app) {
    sweep_app_ = app.add_subcommand("sweep", "many runs: every cell of a grid over scenario keys");
    CLI::App& command = *sweep_app_;
    command.add_option("SWEEP", sweep_.sweep, "sweep file (TOML); see headroom help scenario");
    command.add_flag("--list", sweep_.list, "list the cells and what is there of them");
    command.add_option("--run", sweep_.index, "run one cell, by its number in the list")
        ->type_name("INDEX")
        ->check(integer_in(0, std::numeric_limits<std::int64_t>::max(), 0));
    command.add_flag("--run-all", sweep_.all, "run all cells that are not finished");
    command.add_option("-j,--jobs", sweep_.jobs, "with --run-all: cells at a time")
        ->check(integer_in(1, kMaxJobs, 2));
    command.add_option("--out", sweep_.out, "folder of the traces, instead of the sweep's");
    command.add_flag("--json", sweep_.json, "print as JSON");
}

void TraceOptions::store_sweep(CommandLine& line) const {
    const std::string name = sweep_app_->get_name();
    expect_file(*sweep_app_, sweep_.sweep, "a sweep file (.toml)", "sweep.toml --run-all -j 2");
    const int given_count = (sweep_.list ? 1 : 0) + (sweep_.index ? 1 : 0) + (sweep_.all ? 1 : 0);
    if (given_count != 1) {
        throw_usage_error(
            name,
            fmt::format(
                "{} of --list, --run and --run-all {} given, expected one",
                given_count == 0 ? "none" : fmt::format("{}", given_count),
                given_count > 1 ? "are" : "is"
            )
        );
    }
    if (sweep_app_->count("--jobs") > 0 && !sweep_.all) {
        throw_usage_error(name, "-j is how many cells run at a time, expected --run-all with it");
    }
    line.sweep = sweep_;
}

void TraceOptions::add_collect(CLI::App& app) {
    collect_app_ = app.add_subcommand("collect", "one table of the figures of many traces");
    CLI::App& command = *collect_app_;
    command.add_option("FOLDER", collect_.folder, "folder with traces");
    command.add_option("-o,--out", collect_.out, "file to write: .h5 or .csv");
    command.add_flag("--force", collect_.force, "overwrite what exists");
    command.add_flag("--json", collect_.json, "print the table as JSON");
}

void TraceOptions::store_collect(CommandLine& line) const {
    expect_file(*collect_app_, collect_.folder, "a folder of traces", "results -o summary.csv");
    line.collect = collect_;
}

} // namespace headroom::cli
