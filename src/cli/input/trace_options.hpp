// The options of the commands replay, export, sweep and collect. command_line.cpp has all others.
#pragma once

#include <array>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/input/command_line.hpp"

namespace headroom::cli {

class TraceOptions {
  public:
    /// Adds the four commands to the parser.
    void add_to(CLI::App& app);
    /// Returns the parser of the command that the user gave; null if it is none of the four.
    [[nodiscard]] CLI::App* parsed_command() const;
    /// Stores the command that the user gave in `line`. Throws InputError if a mandatory argument
    /// is missing or options contradict each other.
    void store_command(CommandLine& line) const;

  private:
    void add_replay(CLI::App& app);
    void add_export(CLI::App& app);
    void add_sweep(CLI::App& app);
    void add_collect(CLI::App& app);
    void store_replay(CommandLine& line) const;
    void store_export(CommandLine& line) const;
    void store_sweep(CommandLine& line) const;
    void store_collect(CommandLine& line) const;

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
