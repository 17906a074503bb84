// The main function. It turns every exception into one message and an exit code.
#include <cstdio>
#include <exception>

#include "cli/input/command_line.hpp"
#include "cli/launch/launch.hpp"
#include "cli/terminal/failure.hpp"
#include "cli/terminal/interrupt.hpp"
#include "cli/terminal/job_environment.hpp"
#include "cli/terminal/streams.hpp"

int main(int argc, char** argv) {
    using namespace headroom;
    cli::prepare_streams();
    if (!cli::is_launched_rank()) {
        cli::ignore_size_limit_signal();
    }
    // Buffered stderr: if its reader has left, only an explicit flush fails, which is harmless. An
    // unbuffered write would throw in the middle of a run.
    (void)std::setvbuf(stderr, nullptr, _IOFBF, BUFSIZ);
    try {
        cli::block_interrupts();
        cli::restart_with_openblas_core(argv);
        cli::install_interrupt_handlers();
        const int code = cli::run_command_line(argc, argv, cli::kCommands);
        if (code == 0) {
            cli::check_stdout_was_written();
        }
        return code;
    } catch (const std::exception& error) {
        if (cli::rank_0_reports()) {
            return static_cast<int>(cli::exit_code_for(error));
        }
        return cli::report_failure(error, cli::wants_json(argc, argv));
    }
}
