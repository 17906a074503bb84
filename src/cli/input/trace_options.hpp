// The commands for what comes after a run, and for many runs: replay, export, sweep, collect.
#pragma once

#include <array>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/input/command_line.hpp"

namespace headroom::cli {

class TraceOptions {
  public:
    void add_to(CLI::App& app);
    /// The one that was typed; null: none of them.
    [[nodiscard]] CLI::App* used() const;
    /// Checks what goes together and puts the command into `line`. Throws InputError.
    void take(CommandLine& line) const;

  private:
    void add_replay(CLI::App& app);
    void add_export(CLI::App& app);
    void add_sweep(CLI::App& app);
    void add_collect(CLI::App& app);
    void take_replay(CommandLine& line) const;
    void take_export(CommandLine& line) const;
    void take_sweep(CommandLine& line) const;
    void take_collect(CommandLine& line) const;

    CLI::App* replay_app_ = nullptr;
    CLI::App* export_app_ = nullptr;
    CLI::App* sweep_app_ = nullptr;
    CLI::App* collect_app_ = nullptr;
    ReplayCommand replay_;
    std::string policies_;
    ExportCommand export_;
    SweepCommand sweep_;
    CollectCommand collect_;
};

} // namespace headroom::cli
