// The program. The only place that catches: every error becomes one message and an exit code.
#include <exception>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "cli/command_line.hpp"
#include "cli/console.hpp"
#include "cli/inspect_command.hpp"
#include "cli/interrupt.hpp"
#include "cli/launch.hpp"
#include "cli/run_command.hpp"

int main(int argc, char** argv) {
    using namespace headroom;
    const cli::Terminal terminal = cli::Terminal::look();
    try {
        cli::catch_interrupts();
        cli::restart_with_openblas_core(argv);
        const cli::CommandLine line = cli::read_command_line(argc, argv);
        if (line.exit_code) {
            return *line.exit_code;
        }
        if (line.run) {
            return cli::run_command(*line.run, std::vector<std::string>(argv + 1, argv + argc));
        }
        return cli::inspect_command(*line.inspect);
    } catch (const Error& error) {
        cli::print_error(terminal, error.what());
        return static_cast<int>(error.code());
    } catch (const Bug& bug) {
        cli::print_error(
            terminal,
            fmt::format(
                "this is a bug in headroom, please report it with the command: {}", bug.what()
            )
        );
        return static_cast<int>(ExitCode::bug);
    } catch (const std::exception& error) {
        cli::print_error(terminal, error.what());
        return static_cast<int>(ExitCode::environment);
    }
}
