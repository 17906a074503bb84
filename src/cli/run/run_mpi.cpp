// One rank of an MPI job. Rank 0 reads and checks everything and tells the others; after that, a
// rank that fails tells rank 0, which closes the trace and ends the job with one message.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "cli/launch/handover.hpp"
#include "cli/launch/network_hint.hpp"
#include "cli/launch/roll_call.hpp"
#include "cli/launch/start_watch.hpp"
#include "cli/run/front.hpp"
#include "cli/run/run_command.hpp"
#include "cli/terminal/failure.hpp"
#include "cli/terminal/interrupt.hpp"
#include "cli/terminal/job_environment.hpp"
#include "cli/terminal/streams.hpp"
#include "comm/mpi/mpi_session.hpp"
#include "comm/mpi/mpi_single_copy.hpp"
#include "runtime/messages/wire.hpp"

namespace headroom::cli {

namespace {

constexpr comm::Waiting kStart{"the start of the run", -1, -1, -1};

/// What rank 0 tells everybody first: go, with its scenario, or leave with a code. Rank 0's command
/// line counts; of the others' only --kernels, because CPUs may differ.
struct Start {
    int exit_code = 0;
    bool trace_ops = false;
    std::int64_t deadline_ns = 0; ///< of waits
    std::string kernels;          ///< level that must be used; empty: as each likes
    std::string scenario;
    std::string path;
    bool leave = false; ///< nothing is to be done
};

void tell_all(comm::Transport& transport, const Start& start) {
    const std::vector<std::byte> bytes = runtime::ByteWriter()
                                             .put(start.exit_code)
                                             .put(start.trace_ops)
                                             .put(start.deadline_ns)
                                             .put_text(start.kernels)
                                             .put_text(start.scenario)
                                             .put_text(start.path)
                                             .put(start.leave)
                                             .take();
    for (std::size_t d = 1; d < transport.size(); ++d) {
        transport.send(DeviceId(d), comm::Tag::setup, bytes, kStart);
    }
}

Start hear(comm::Transport& transport) {
    const auto bytes = transport.receive_any_size(DeviceId(0), comm::Tag::setup, kStart);
    runtime::ByteReader reader(bytes);
    Start start;
    start.exit_code = reader.get<int>();
    start.trace_ops = reader.get<bool>();
    start.deadline_ns = reader.get<std::int64_t>();
    start.kernels = reader.get_text();
    start.scenario = reader.get_text();
    start.path = reader.get_text();
    start.leave = reader.get<bool>();
    return start;
}

void check_rank_count(const config::Scenario& scenario, std::size_t ranks) {
    const std::size_t devices = scenario.fleet.size();
    if (devices == ranks) {
        return;
    }
    const std::string what =
        scenario.path.empty()
            ? fmt::format("--model {} --devices {}", scenario.model_file.string(), devices)
            : scenario.path.string();
    const std::string words = launcher_words(ranks);
    const std::string launcher = words.substr(0, words.find(' '));
    const bool in_job = std::getenv("SLURM_JOB_ID") != nullptr;
    throw InputError(fmt::format(
        "{} started {} ranks but the scenario has {} devices, expected one rank per device\n"
        "  give: {} headroom run {}{}\n"
        "  or without {}; mpirun is then started for you: headroom run {}",
        launcher,
        ranks,
        devices,
        launcher_words(devices),
        what,
        in_job ? fmt::format("; in a job that asks for sbatch --ntasks={}", devices) : "",
        launcher,
        what
    ));
}

/// Something that another rank failed with, as rank 0 hears of it.
class RemoteError : public Error {
  public:
    RemoteError(int code, const std::string& text, bool told)
        : Error(static_cast<ExitCode>(code), text), told_(told) {}
    /// Rank 0 did not answer in time (it was stopped, say), and the other has spoken itself.
    [[nodiscard]] bool told() const { return told_; }

  private:
    bool told_;
};

/// To rank 0, which prints it, closes the trace and ends the job.
void tell_failure(comm::Transport& transport, const std::exception& error, bool told) {
    transport.send_copy(
        DeviceId(0),
        comm::Tag::failure,
        runtime::ByteWriter()
            .put(static_cast<int>(code_of(error)))
            .put_text(text_of(error))
            .put(told)
            .take()
    );
}

/// Rank 0 looks for failures of others whenever it waits. The last word of each counts.
void look_for_failures(comm::Transport& transport) {
    for (std::size_t d = 1; d < transport.size(); ++d) {
        std::optional<RemoteError> failure;
        while (transport.ready(DeviceId(d), comm::Tag::failure)) {
            const auto bytes = transport.receive_any_size(DeviceId(d), comm::Tag::failure, kStart);
            runtime::ByteReader reader(bytes);
            const auto code = reader.get<int>();
            const std::string text = reader.get_text();
            failure.emplace(code, text, reader.get<bool>());
        }
        if (failure) {
            throw RemoteError(*failure);
        }
    }
}

/// If rank 0 does not end the job, it is the one that failed: then the others speak, one after the
/// other until the job is ended.
void leave_it_to_rank_0(comm::Transport& transport, const std::exception& error) {
    using std::chrono::steady_clock;
    constexpr std::chrono::milliseconds kLook{100};
    constexpr std::chrono::seconds kToEndTheJob{3}; // that mpirun takes on a busy computer
    const std::int64_t before_us = std::min<std::int64_t>(transport.self().value - 1, 10);
    const auto patience = std::chrono::seconds(5) + before_us * kToEndTheJob;
    const int signals = times_interrupted();
    try {
        transport.options().interrupted = nullptr;
        tell_failure(transport, error, false);
        const auto until = steady_clock::now() + patience;
        while (steady_clock::now() < until) {
            transport.idle_until(steady_clock::now() + kLook);
            if (times_interrupted() != signals) {
                std::_Exit(static_cast<int>(code_of(error))); // mpirun ends the job: it is told
            }
        }
        tell_failure(transport, error, true);
    } catch (const std::exception&) {
        // The message of the caller is all that is left to do.
    }
}

/// Why, is told by the rank that failed, or by the launcher.
bool is_ended_by_mpirun() {
    return interrupted() == static_cast<int>(ExitCode::environment);
}

/// Never returns: the others are waiting somewhere and only an abort ends the job.
[[noreturn]] void end_job(
    comm::MpiSession& session,
    comm::Transport& transport,
    const Terminal& terminal,
    const std::exception& error,
    bool json
) {
    const int code = static_cast<int>(code_of(error));
    if (const int stranger = interrupted_by_stranger(); stranger != 0) {
        (void)report_failure(
            terminal,
            ExitCode::environment,
            fmt::format(
                "the rank of device {} was asked to end by a signal from process {}, expected it "
                "to run to its end: to end a run, send signals to headroom run itself, which "
                "closes the trace",
                session.rank(),
                stranger
            ),
            json && session.rank() == 0
        );
        session.abort(static_cast<int>(ExitCode::environment));
    }
    if (is_ended_by_mpirun()) {
        session.abort(code);
    }
    if (session.rank() != 0) {
        leave_it_to_rank_0(transport, error);
    }
    const auto* const remote = dynamic_cast<const RemoteError*>(&error);
    if (remote == nullptr || !remote->told()) {
        (void)report_failure(terminal, code_of(error), text_of(error), json && session.rank() == 0);
    }
    session.abort(code);
}

std::int64_t model_bytes(const config::Scenario& scenario) {
    std::error_code missing; // the set-up will say so
    const std::uintmax_t bytes = std::filesystem::file_size(scenario.model_file, missing);
    return missing ? 0 : static_cast<std::int64_t>(bytes);
}

/// What this rank does with its scenario. A CPU that lacks what --kernels asks for is a problem
/// that the set-up tells everybody.
runtime::RunOptions rank_options(
    const RunCommand& command,
    const config::Scenario& scenario,
    bool trace_ops,
    const std::string& kernels
) {
    runtime::RunOptions options;
    options.scenario = &scenario;
    options.trace_ops = trace_ops;
    options.stop = interrupted_long_ago;
    try {
        const KernelWish wish = kernels_of(command, kernels);
        options.level = wish.level;
        options.level_told = wish.told;
    } catch (const InputError& error) {
        options.problem = error.what();
    }
    return options;
}

void send_away(comm::Transport& transport, int exit_code) {
    Start start;
    start.exit_code = exit_code;
    start.leave = true;
    tell_all(transport, start);
}

/// How a rank's part ended.
struct Ending {
    int exit_code = 0;
    bool sent_away = false; ///< before the run began
};

Ending lead(const RunCommand& told, comm::Transport& transport, Terminal terminal) {
    auto busy = std::make_unique<comm::Transport::Excuse>(transport); // with what it reads
    Handover given{told, std::nullopt};
    const RunCommand& command = given.command;
    std::unique_ptr<config::Scenario> scenario;
    std::unique_ptr<Resumption> resumption;
    std::unique_ptr<Front> front;
    Start start;
    try {
        Roll roll = call_roll(transport);
        if (told.handed_over) {
            given = read_handover();
        }
        // Which hosts lack the model is found out together, by the set-up.
        if (!command.resume.empty()) {
            trace::TraceFile file = trace::open_trace(command.resume.string());
            if (has_nothing_to_resume(file)) {
                send_away(transport, 0);
                return {finish_resumed(command, file), true};
            }
            resumption = std::make_unique<Resumption>(resumption_of(command, std::move(file)));
            start.kernels = resumption->kernels;
        }
        scenario = std::make_unique<config::Scenario>(
            resumption       ? resumption->scenario
            : given.scenario ? std::move(*given.scenario)
                             : scenario_of(command, false)
        );
        check_rank_count(*scenario, transport.size());
        front = std::make_unique<Front>(
            command, *scenario, terminal, "mpi", std::move(roll.hosts), resumption.get()
        );
        start.deadline_ns =
            comm::deadline_for(roll.devices_per_core, model_bytes(*scenario)).count();
    } catch (const Error& error) {
        send_away(transport, static_cast<int>(error.code()));
        return {report_failure(terminal, error, command.json), true};
    }
    start.trace_ops = front->trace_ops();
    start.scenario = config::resolved_text(*scenario);
    if (!scenario->path.empty()) {
        start.path = std::filesystem::absolute(scenario->path).string();
    }
    tell_all(transport, start);
    busy.reset();
    try {
        transport.set_options(
            transport_options(*scenario, std::chrono::nanoseconds(start.deadline_ns))
        );
        transport.options().while_waiting = [&transport] { look_for_failures(transport); };
        runtime::RunOptions options =
            rank_options(command, *scenario, start.trace_ops, start.kernels);
        front->put_into(options);
        const runtime::RunOutcome outcome = runtime::run_device(options, transport);
        if (is_ended_by_mpirun() && outcome.exit_code == interrupted()) {
            throw InterruptedError(ExitCode::environment);
        }
        busy = std::make_unique<comm::Transport::Excuse>(transport); // with whoever reads it
        return {front->finish(outcome)};
    } catch (const std::exception&) {
        front->leave_line();
        throw;
    }
}

Ending follow(const RunCommand& command, comm::Transport& transport) {
    answer_roll(transport);
    const Start start = hear(transport);
    if (start.leave) {
        return {start.exit_code, true};
    }
    const config::Scenario scenario = config::parse_scenario(start.scenario, start.path, {});
    transport.set_options(transport_options(scenario, std::chrono::nanoseconds(start.deadline_ns)));
    const runtime::RunOptions options =
        rank_options(command, scenario, start.trace_ops, start.kernels);
    return {runtime::run_device(options, transport).exit_code};
}

/// MPI waits for all ranks when it ends, and cannot be told to give up: so they meet before, where
/// a wait has its limits.
void meet_at_the_end(comm::Transport& transport) {
    transport.options().interrupted = nullptr; // the run is over
    transport.barrier({"the end of the run", -1, -1, -1});
}

} // namespace

int run_as_rank(const RunCommand& command) {
    note_interrupts();
    const Terminal terminal = Terminal::look();
    end_with_launcher();
    const bool gives_signs = command.handed_over && is_rank_0();
    if (gives_signs) {
        give_sign();
    }
    comm::avoid_forbidden_single_copy();
    std::optional<StartGuard> guard(std::in_place);
    comm::MpiSession session(silence_limit());
    guard.reset();
    if (gives_signs) {
        give_sign();
    }
    survive_size_limits();
    const std::unique_ptr<comm::Transport> transport = comm::make_mpi_transport(session);
    // Until rank 0 knows how full the hosts are: as if all ranks were here.
    transport->options().deadline = comm::deadline_for(session.size(), 0);
    transport->options().silence = silence_limit();
    try {
        const Ending ending =
            session.rank() == 0 ? lead(command, *transport, terminal) : follow(command, *transport);
        if (!ending.sent_away) { // it may have been for being another program, which meets nobody
            meet_at_the_end(*transport);
        }
        session.finish();
        return ending.exit_code;
    } catch (const std::exception& error) {
        end_job(session, *transport, terminal, error, command.json);
    }
}

} // namespace headroom::cli
