// One rank of an MPI job. Rank 0 reads and checks the run and sends it to the other ranks. A rank
// that fails later reports its error to rank 0, which closes the trace, prints it and ends the job.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/wire.hpp"
#include "cli/launch/handover.hpp"
#include "cli/launch/network_hint.hpp"
#include "cli/launch/rank_handshake.hpp"
#include "cli/launch/start_watch.hpp"
#include "cli/run/run_command.hpp"
#include "cli/run/run_session.hpp"
#include "cli/terminal/failure.hpp"
#include "cli/terminal/interrupt.hpp"
#include "cli/terminal/job_environment.hpp"
#include "cli/terminal/streams.hpp"
#include "comm/mpi/mpi_session.hpp"
#include "comm/mpi/mpi_single_copy.hpp"

namespace headroom::cli {

namespace {

constexpr comm::WaitReason kStart{"the start of the run", -1, -1, -1};

/// The first message of rank 0 to all others: the run, or the exit code to end with. The command
/// line of rank 0 is used, except that each rank uses its own --kernels, because CPUs may differ.
struct Start {
    int exit_code = 0;
    bool trace_ops = false;
    std::int64_t deadline_ns = 0; ///< time limit for waits
    std::string kernels;          ///< required level; if empty, each rank chooses
    std::string scenario;
    std::string path;
    bool dismiss = false; ///< the rank ends without a run
    static auto wire_fields(auto& m) {
        return Fields() & m.exit_code & m.trace_ops & m.deadline_ns & m.kernels & m.scenario &
               m.path & m.dismiss;
    }
};

void broadcast_start(comm::Transport& transport, const Start& start) {
    const std::vector<std::byte> bytes = pack(start);
    for (std::size_t d = 1; d < transport.size(); ++d) {
        transport.send(DeviceId(d), comm::Tag::setup, bytes, kStart);
    }
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
    const std::string words = launcher_command(ranks);
    const std::string launcher = words.substr(0, words.find(' '));
    const bool in_job = std::getenv("SLURM_JOB_ID") != nullptr;
    throw InputError(fmt::format(
        "{} started {} ranks but the scenario has {} devices, expected one rank per device\n"
        "  give: {} headroom run {}{}\n"
        "  or without {}; mpirun is then started for you: headroom run {}",
        launcher,
        ranks,
        devices,
        launcher_command(devices),
        what,
        in_job ? fmt::format("; in a job that asks for sbatch --ntasks={}", devices) : "",
        launcher,
        what
    ));
}

/// An error, as a rank sends it to rank 0.
struct Failure {
    int exit_code = 0;
    std::string text;
    bool already_printed = false; ///< by its rank, because rank 0 did not react in time
    static auto wire_fields(auto& m) { return Fields() & m.exit_code & m.text & m.already_printed; }
};

/// The error of another rank, as received by rank 0.
class RemoteError : public Error {
  public:
    explicit RemoteError(const Failure& failure)
        : Error(static_cast<ExitCode>(failure.exit_code), failure.text),
          already_printed(failure.already_printed) {}
    bool already_printed;
};

/// Sends the error to rank 0, which prints it, closes the trace and ends the job.
void send_failure(comm::Transport& transport, const std::exception& error, bool already_printed) {
    transport.send_copy(
        DeviceId(0),
        comm::Tag::failure,
        pack(Failure{static_cast<int>(exit_code_for(error)), message_for(error), already_printed})
    );
}

/// Throws the error of another rank if one has arrived; of several from one rank, the last. Called
/// by rank 0 whenever it waits.
void throw_remote_failure(comm::Transport& transport) {
    for (std::size_t d = 1; d < transport.size(); ++d) {
        std::optional<Failure> failure;
        while (transport.has_message(DeviceId(d), comm::Tag::failure)) {
            failure =
                unpack<Failure>(transport.receive_any_size(DeviceId(d), comm::Tag::failure, kStart)
                );
        }
        if (failure) {
            throw RemoteError(*failure);
        }
    }
}

/// Sends the error to rank 0 and waits for it to end the job. If rank 0 does not, this function
/// returns and the caller prints the error. The waiting time grows with the rank, so that normally
/// only one rank prints.
void wait_for_rank_0(comm::Transport& transport, const std::exception& error) {
    using std::chrono::steady_clock;
    constexpr std::chrono::milliseconds kLook{100};
    constexpr std::chrono::seconds kMpirunEndTime{3}; // time that mpirun needs on a busy computer
    const std::int64_t ranks_before = std::min<std::int64_t>(transport.self().value - 1, 10);
    const auto patience = std::chrono::seconds(5) + ranks_before * kMpirunEndTime;
    const int signals = interrupt_count();
    try {
        transport.options().interrupted = nullptr;
        send_failure(transport, error, false);
        const auto until = steady_clock::now() + patience;
        while (steady_clock::now() < until) {
            transport.idle_until(steady_clock::now() + kLook);
            if (interrupt_count() != signals) { // mpirun ends the job, so rank 0 has printed it
                std::_Exit(static_cast<int>(exit_code_for(error)));
            }
        }
        send_failure(transport, error, true);
    } catch (const std::exception&) {
        // The caller prints the error.
    }
}

/// Whether mpirun ends this rank because another one failed. That rank or the launcher reports why.
bool is_ended_by_mpirun() {
    return interrupted() == static_cast<int>(ExitCode::environment);
}

/// Reports the error and aborts the job. Nothing else ends it, because the other ranks are waiting.
[[noreturn]] void end_job(
    comm::MpiSession& session, comm::Transport& transport, const std::exception& error, bool json
) {
    const int code = static_cast<int>(exit_code_for(error));
    if (const int sender = foreign_signal_sender(); sender != 0) {
        (void)report_failure(
            ExitCode::environment,
            fmt::format(
                "the rank of device {} was asked to end by a signal from process {}, expected it "
                "to run to its end: to end a run, send signals to headroom run itself, which "
                "closes the trace",
                session.rank(),
                sender
            ),
            json && session.rank() == 0
        );
        session.abort(static_cast<int>(ExitCode::environment));
    }
    if (is_ended_by_mpirun()) {
        session.abort(code);
    }
    if (session.rank() != 0) {
        wait_for_rank_0(transport, error);
    }
    const auto* const remote = dynamic_cast<const RemoteError*>(&error);
    if (remote == nullptr || !remote->already_printed) {
        (void)report_failure(error, json && session.rank() == 0);
    }
    session.abort(code);
}

std::int64_t model_bytes(const config::Scenario& scenario) {
    std::error_code missing; // the set-up reports it
    const std::uintmax_t bytes = std::filesystem::file_size(scenario.model_file, missing);
    return missing ? 0 : static_cast<std::int64_t>(bytes);
}

/// Returns the options of this rank. If its CPU cannot run the requested kernels, the options
/// contain the problem, and the set-up reports it on all ranks.
runtime::RunOptions rank_options(
    const RunCommand& command,
    const config::Scenario& scenario,
    bool trace_ops,
    const std::string& kernels
) {
    runtime::RunOptions options;
    options.scenario = &scenario;
    options.trace_ops = trace_ops;
    options.stop = interrupt_grace_expired;
    try {
        const KernelSelection selection = select_kernels(command, kernels);
        options.level = selection.level;
        options.level_requested = selection.requested;
    } catch (const InputError& error) {
        options.problem = error.what();
    }
    return options;
}

void dismiss_ranks(comm::Transport& transport, int exit_code) {
    Start start;
    start.exit_code = exit_code;
    start.dismiss = true;
    broadcast_start(transport, start);
}

struct RankResult {
    int exit_code = 0;
    bool dismissed = false; ///< rank 0 ended the job before the run began
};

RankResult run_rank_0(const RunCommand& own_command, comm::Transport& transport) {
    auto busy = std::make_unique<comm::Transport::Excuse>(transport); // reading may take long
    Handover handover{own_command, std::nullopt};
    const RunCommand& command = handover.command;
    std::unique_ptr<config::Scenario> scenario;
    std::unique_ptr<Resumption> resumption;
    std::unique_ptr<RunSession> run_session;
    Start start;
    try {
        FleetInfo fleet = receive_rank_infos(transport);
        if (own_command.handed_over) {
            handover = read_handover();
        }
        // The set-up finds out which hosts lack the model.
        if (!command.resume.empty()) {
            trace::TraceFile file = trace::open_trace(command.resume.string());
            if (is_complete(file)) {
                dismiss_ranks(transport, 0);
                return {finish_complete_run(command, file), true};
            }
            resumption = std::make_unique<Resumption>(prepare_resumption(command, std::move(file)));
            start.kernels = resumption->kernels;
        }
        scenario = std::make_unique<config::Scenario>(
            resumption          ? resumption->scenario
            : handover.scenario ? std::move(*handover.scenario)
                                : load_run_scenario(command, false)
        );
        check_rank_count(*scenario, transport.size());
        run_session = std::make_unique<RunSession>(
            command, *scenario, "mpi", std::move(fleet.hosts), resumption.get()
        );
        start.deadline_ns =
            comm::deadline_for(fleet.devices_per_core, model_bytes(*scenario)).count();
    } catch (const Error& error) {
        dismiss_ranks(transport, static_cast<int>(error.code()));
        return {report_failure(error, command.json), true};
    }
    start.trace_ops = run_session->trace_ops();
    start.scenario = config::resolved_text(*scenario);
    if (!scenario->path.empty()) {
        start.path = std::filesystem::absolute(scenario->path).string();
    }
    broadcast_start(transport, start);
    busy.reset();
    try {
        transport.set_options(
            transport_options(*scenario, std::chrono::nanoseconds(start.deadline_ns))
        );
        transport.options().while_waiting = [&transport] { throw_remote_failure(transport); };
        runtime::RunOptions options =
            rank_options(command, *scenario, start.trace_ops, start.kernels);
        run_session->configure(options);
        const runtime::RunOutcome outcome = runtime::run_device(options, transport);
        if (is_ended_by_mpirun() && outcome.exit_code == interrupted()) {
            throw InterruptedError(ExitCode::environment);
        }
        busy = std::make_unique<comm::Transport::Excuse>(transport); // the reader may be slow
        return {run_session->finish(outcome)};
    } catch (const std::exception&) {
        run_session->end_console_line();
        throw;
    }
}

RankResult run_other_rank(const RunCommand& command, comm::Transport& transport) {
    send_rank_info(transport);
    const auto start =
        unpack<Start>(transport.receive_any_size(DeviceId(0), comm::Tag::setup, kStart));
    if (start.dismiss) {
        return {start.exit_code, true};
    }
    const config::Scenario scenario = config::parse_scenario(start.scenario, start.path, {});
    transport.set_options(transport_options(scenario, std::chrono::nanoseconds(start.deadline_ns)));
    const runtime::RunOptions options =
        rank_options(command, scenario, start.trace_ops, start.kernels);
    return {runtime::run_device(options, transport).exit_code};
}

/// Waits for all ranks with the time limits of the transport, because MPI_Finalize has none.
void final_barrier(comm::Transport& transport) {
    transport.options().interrupted = nullptr; // the run has ended
    transport.barrier({"the end of the run", -1, -1, -1});
}

} // namespace

int run_as_rank(const RunCommand& command) {
    defer_interrupts();
    end_with_launcher();
    const bool writes_start_marks = command.handed_over && is_rank_0();
    if (writes_start_marks) {
        write_start_mark();
    }
    comm::avoid_forbidden_single_copy();
    std::optional<MpiStartTimeout> guard(std::in_place);
    comm::MpiSession session(silence_limit());
    guard.reset();
    if (writes_start_marks) {
        write_start_mark();
    }
    ignore_size_limit_signal();
    const std::unique_ptr<comm::Transport> transport = comm::make_mpi_transport(session);
    // Until rank 0 knows the hosts, the limit assumes that all ranks run on this one.
    transport->options().deadline = comm::deadline_for(session.size(), 0);
    transport->options().silence = silence_limit();
    try {
        const RankResult result = session.rank() == 0 ? run_rank_0(command, *transport)
                                                      : run_other_rank(command, *transport);
        if (!result.dismissed) { // a rank of another version does not reach the barrier
            final_barrier(*transport);
        }
        session.finish();
        return result.exit_code;
    } catch (const std::exception& error) {
        end_job(session, *transport, error, command.json);
    }
}

} // namespace headroom::cli
