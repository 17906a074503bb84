#include "runtime/session.hpp"

#include <fstream>
#include <memory>
#include <unistd.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "device/device_clock.hpp"
#include "device/pacer.hpp"
#include "runtime/conductor.hpp"
#include "runtime/control.hpp"
#include "runtime/migration.hpp"
#include "runtime/overload.hpp"
#include "runtime/resident.hpp"
#include "runtime/setup.hpp"
#include "runtime/shape.hpp"
#include "runtime/turn.hpp"
#include "scheduler/program.hpp"

namespace headroom::runtime {

namespace {

/// Resident set of this process, from the operating system.
Bytes process_bytes() {
    std::ifstream statm("/proc/self/statm");
    Bytes pages_all = 0;
    Bytes pages_resident = 0;
    statm >> pages_all >> pages_resident;
    return pages_resident * sysconf(_SC_PAGESIZE);
}

device::Pacer make_pacer(const config::ClockConfig& clock, comm::Transport& transport) {
    if (clock.mode == config::ClockMode::virtual_time) {
        return {};
    }
    return {clock.scale, [&transport](device::Pacer::TimePoint due) { transport.idle_until(due); }};
}

/// One device for the length of a run. On rank 0 the conductor works between its steps.
class DeviceSession {
  public:
    DeviceSession(const RunOptions& options, Setup setup, comm::Transport& transport);
    RunOutcome run();

  private:
    [[nodiscard]] bool is_rank_0() const { return self_ == DeviceId(0); }
    [[nodiscard]] bool is_source() const { return self_ == source_; }
    [[nodiscard]] comm::Waiting waiting(std::string_view what) const {
        return {what, -1, epoch_, turns_};
    }
    void to_all(const std::vector<std::byte>& bytes);
    void order(const std::function<Command()>& make);
    void install(const Command& command);
    void load(const Command& command);
    void migrate_to(const Command& command);
    Nanoseconds agree_on_resume(const std::vector<Arrived>& arrived);
    void decode_as_source();
    Stop one_turn();
    [[nodiscard]] Stop after(std::int32_t id) const;
    void follow_source();
    void report();
    void collect();
    void end(int exit_code);
    [[nodiscard]] Turn next_turn() const;
    [[nodiscard]] const std::vector<std::int32_t>& prompt() const {
        return setup_.prompts[static_cast<std::size_t>(sequence_)];
    }
    [[nodiscard]] bool last_sequence() const {
        return sequence_ + 1 == static_cast<std::int64_t>(setup_.prompts.size());
    }
    [[nodiscard]] TurnSettings settings() const;

    const RunOptions* options_;
    Setup setup_;
    comm::Transport* transport_;
    DeviceId self_;
    DeviceId source_;
    scheduler::Blocks blocks_;
    model::Context context_;
    Resident resident_;
    device::DeviceClock clock_;
    device::Pacer pacer_;
    TurnLog log_;
    TurnSettings settings_;
    TurnRunner runner_;
    std::unique_ptr<Conductor> conductor_;

    scheduler::Program program_;
    std::int64_t epoch_ = -1;
    std::int64_t turns_ = 0; ///< begun so far; one per sampled token
    std::int64_t sequence_ = 0;
    std::int64_t decoded_ = 0;         ///< source: tokens sampled in the sequence
    std::int32_t last_id_ = -1;        ///< source: sampled last
    std::vector<SampledNote> sampled_; ///< source: in this interval
    Stop stop_ = Stop::no;             ///< source
    Nanoseconds end_wall_ = 0;         ///< source: at the last token
    RunOutcome outcome_;
};

DeviceSession::DeviceSession(const RunOptions& options, Setup setup, comm::Transport& transport)
    : options_(&options), setup_(std::move(setup)), transport_(&transport), self_(transport.self()),
      source_(options.scenario->fleet.source),
      blocks_(shape_of(setup_.model), options.scenario->controller.cut()),
      context_{&setup_.model, &kernels::kernels_for(setup_.level)},
      resident_(setup_.model, blocks_, self_, setup_.tokens_per_turn),
      clock_(options.scenario->fleet, self_),
      pacer_(make_pacer(options.scenario->clock, transport)), settings_(settings()),
      runner_(context_, settings_, resident_, clock_, pacer_, transport, log_) {
    log_.detailed = options.trace_ops;
    log_.sent.assign(transport.size(), 0);
    if (is_rank_0()) {
        conductor_ = std::make_unique<Conductor>(options, setup_, blocks_);
    }
}

TurnSettings DeviceSession::settings() const {
    const config::Scenario& scenario = *options_->scenario;
    const config::WorkloadConfig& workload = scenario.workload;
    const scheduler::DeviceSpec& device = scenario.fleet.devices[self_.index()];
    return {
        {static_cast<float>(workload.temperature), workload.top_k, workload.top_p, workload.min_p},
        scenario.seed,
        may_page(scenario.controller.overload, device),
        device.name,
        options_->on_logits,
        options_->planted_wait,
    };
}

void DeviceSession::to_all(const std::vector<std::byte>& bytes) {
    for (std::size_t d = 0; d < transport_->size(); ++d) {
        transport_->send_copy(DeviceId(d), comm::Tag::control, bytes);
    }
}

/// Rank 0: sends the next command to all. If there is none to give, all are told to finish with the
/// error's exit code, so that nobody is left waiting.
void DeviceSession::order(const std::function<Command()>& make) {
    Command command;
    try {
        command = make();
    } catch (const Error& error) {
        command.finish = true;
        command.exit_code = static_cast<std::int32_t>(error.code());
        outcome_.message = error.what();
    }
    to_all(pack(command));
}

/// Rank 0: closes the trace, whatever happened.
void DeviceSession::end(int exit_code) {
    if (!conductor_) {
        return;
    }
    const bool interrupted = exit_code == static_cast<int>(ExitCode::interrupted) ||
                             exit_code == static_cast<int>(ExitCode::terminated);
    try {
        conductor_->end(
            exit_code == 0 ? trace::Completion::finished
            : interrupted  ? trace::Completion::interrupted
                           : trace::Completion::failed
        );
    } catch (const Error&) {
        if (exit_code == 0) {
            throw; // else what went wrong first is what the user must hear of
        }
    }
}

RunOutcome DeviceSession::run() {
    if (conductor_) {
        order([this] { return conductor_->first(); });
    }
    try {
        for (;;) {
            const Command command = unpack_command(transport_->receive_any_size(
                DeviceId(0), comm::Tag::control, waiting("the controller's next decision")
            ));
            if (command.finish) {
                outcome_.exit_code = command.exit_code;
                break;
            }
            install(command);
            if (is_source()) {
                decode_as_source();
            } else {
                follow_source();
            }
            report();
            if (conductor_) {
                collect();
            }
        }
        transport_->finish_copies(waiting("the last messages"));
    } catch (const Error& error) {
        end(static_cast<int>(error.code()));
        throw;
    } catch (...) {
        end(static_cast<int>(ExitCode::bug));
        throw;
    }
    end(outcome_.exit_code);
    if (conductor_) {
        outcome_.lateness_max = conductor_->lateness_max();
        outcome_.elapsed_wall = conductor_->elapsed_wall();
    }
    return std::move(outcome_);
}

void DeviceSession::install(const Command& command) {
    epoch_ = command.epoch;
    if (command.begins) {
        sequence_ = command.sequence;
        decoded_ = 0;
        resident_.empty_caches();
    }
    resident_.budget().reset_peak();
    clock_.set_tokens(command.sampled > 0 ? command.sampled - 1 : 0);
    if (command.first) {
        load(command);
    } else if (command.moved) {
        migrate_to(command);
    }
    if (command.first || command.moved) {
        program_ = scheduler::lower(
            blocks_, command.placement, source_, transport_->size()
        )[self_.index()];
    }
}

/// The first placement takes no virtual time: clocks start when the weights are there.
void DeviceSession::load(const Command& command) {
    if (blocks_.cut().reduce == scheduler::Reduce::ring) {
        resident_.keep_norms(*setup_.file);
    }
    resident_.load(*setup_.file, command.placement);
    resident_.install(command.placement);
    if (options_->scenario->fleet.devices[self_.index()].has_storage) {
        resident_.keep_storage(*setup_.file);
    }
    setup_.file.reset();
    if (options_->after_load) {
        options_->after_load();
    }
    transport_->barrier(waiting("all devices to have loaded their blocks"));
    pacer_.start();
}

void DeviceSession::migrate_to(const Command& command) {
    const config::Scenario& scenario = *options_->scenario;
    const MigrationOrder order{
        {resident_.placement(),
         command.placement,
         command.rows,
         scenario.controller.weights == config::Weights::everywhere},
        command.epoch,
        command.t_switch,
        settings_.device_name,
    };
    const std::vector<Arrived> arrived = migrate(resident_, order, clock_, *transport_, log_.sent);
    clock_.set(agree_on_resume(arrived));
    pacer_.hold(clock_.now());
}

/// Acknowledges what arrived here and learns when all devices go on.
Nanoseconds DeviceSession::agree_on_resume(const std::vector<Arrived>& arrived) {
    transport_->send_copy(DeviceId(0), comm::Tag::ack, pack(arrived));
    if (conductor_) {
        std::vector<std::vector<Arrived>> all;
        for (std::size_t d = 0; d < transport_->size(); ++d) {
            all.push_back(unpack_arrived(transport_->receive_any_size(
                DeviceId(d), comm::Tag::ack, waiting("the acknowledgement of a migration")
            )));
        }
        to_all(ByteWriter().put(conductor_->resume_after(all)).take());
    }
    const std::vector<std::byte> bytes = transport_->receive_any_size(
        DeviceId(0), comm::Tag::control, waiting("the end of a migration")
    );
    return ByteReader(bytes).get<Nanoseconds>();
}

Turn DeviceSession::next_turn() const {
    const auto length = static_cast<std::int64_t>(prompt().size());
    Turn turn{turns_, epoch_, sequence_, turns_, 0, length};
    if (decoded_ > 0) {
        turn.first = length + decoded_ - 1;
        turn.tokens = 1;
    }
    return turn;
}

/// Source: up to λ turns; it alone knows when the text ends.
void DeviceSession::decode_as_source() {
    sampled_.clear();
    stop_ = Stop::no;
    for (std::int64_t i = 0; i < options_->scenario->controller.interval; ++i) {
        stop_ = one_turn();
        if (stop_ != Stop::no) {
            break;
        }
    }
    end_wall_ = pacer_.elapsed();
    const TurnNote end{true, {}, is_rank_0() ? -1 : last_id_};
    for (std::size_t d = 0; d < transport_->size(); ++d) {
        if (DeviceId(d) != self_) {
            transport_->send_copy(DeviceId(d), comm::Tag::control, ByteWriter().put(end).take());
        }
    }
}

Stop DeviceSession::one_turn() {
    const Turn turn = next_turn();
    const TurnNote note{false, turn, sampled_.empty() ? -1 : last_id_};
    for (std::size_t d = 0; d < transport_->size(); ++d) {
        if (DeviceId(d) != self_) {
            transport_->send_copy(DeviceId(d), comm::Tag::control, ByteWriter().put(note).take());
        }
    }
    const Nanoseconds start = clock_.now();
    const std::span<const std::int32_t> ids =
        decoded_ == 0 ? std::span<const std::int32_t>(prompt()) : std::span(&last_id_, 1);
    const SampledToken token = runner_.run(program_, turn, ids);
    last_id_ = token.id;
    sampled_.push_back({turn.position(), token.id, start, clock_.now(), token.logits_checksum});
    ++turns_;
    ++decoded_;
    if (conductor_) {
        conductor_->show(token.id);
    }
    return after(token.id);
}

/// Does the interval end with this token? An interrupt ends no run that is complete.
Stop DeviceSession::after(std::int32_t id) const {
    const bool ended = decoded_ == options_->scenario->workload.tokens || id == setup_.end_of_text;
    const auto interrupted = transport_->options().interrupted;
    if (interrupted != nullptr && interrupted() != 0 && !(ended && last_sequence())) {
        return Stop::interrupted;
    }
    return ended ? Stop::sequence_ended : Stop::no;
}

void DeviceSession::follow_source() {
    for (;;) {
        const std::vector<std::byte> bytes = transport_->receive_any_size(
            source_, comm::Tag::control, waiting("the source's next turn")
        );
        const auto note = ByteReader(bytes).get<TurnNote>();
        if (conductor_) {
            conductor_->show(note.last_id);
        }
        if (note.end) {
            return;
        }
        (void)runner_.run(program_, note.turn, {});
        turns_ = note.turn.number + 1;
    }
}

void DeviceSession::report() {
    if (resident_.has_workspace()) {
        resident_.workspace().settle(*transport_, waiting("the end of an interval"));
    }
    Report report;
    report.clock = clock_.now();
    report.held = resident_.budget().held();
    report.peak = resident_.budget().peak();
    report.process_bytes = process_bytes();
    report.lateness_max = pacer_.lateness_max();
    report.elapsed_wall = end_wall_;
    if (is_source()) {
        report.stop = stop_;
        report.sampled = sampled_;
        const auto interrupted = transport_->options().interrupted;
        report.interrupt_code = stop_ == Stop::interrupted ? interrupted() : 0;
    }
    std::swap(report.log, log_);
    log_.detailed = report.log.detailed;
    log_.sent.assign(transport_->size(), 0);
    transport_->send_copy(DeviceId(0), comm::Tag::report, pack(report));
}

void DeviceSession::collect() {
    std::vector<Report> reports;
    for (std::size_t d = 0; d < transport_->size(); ++d) {
        reports.push_back(unpack_report(transport_->receive_any_size(
            DeviceId(d), comm::Tag::report, waiting("the report of an interval")
        )));
    }
    order([&] { return conductor_->next(reports); });
}

} // namespace

RunOutcome run_device(const RunOptions& options, comm::Transport& transport) {
    HEADROOM_CHECK(
        transport.size() == options.scenario->fleet.size(),
        "{} devices on a transport of {}",
        options.scenario->fleet.size(),
        transport.size()
    );
    Agreement agreement = agree(options, transport);
    if (!agreement.setup) {
        return {agreement.exit_code, agreement.message, 0, 0};
    }
    return DeviceSession(options, std::move(*agreement.setup), transport).run();
}

} // namespace headroom::runtime
