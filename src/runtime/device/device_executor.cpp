#include "runtime/device/device_executor.hpp"

#include <algorithm>
#include <fstream>
#include <unistd.h>
#include <utility>

#include "runtime/device/migration.hpp"
#include "runtime/device/phase_offsets.hpp"
#include "runtime/memory/overload.hpp"
#include "scheduler/timing/program.hpp"

namespace headroom::runtime {

namespace {

/// The wall time between two checks for a signal.
constexpr Nanoseconds kIdlePiece = 50'000'000;

/// Returns the resident memory of this process, from the operating system.
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

} // namespace

DeviceExecutor::DeviceExecutor(const RunOptions& options, Setup& setup, comm::Transport& transport)
    : options_(&options), setup_(&setup), transport_(&transport), self_(transport.self()),
      blocks_(setup.model, options.scenario->controller.cut()),
      context_{&setup.model, &kernels::kernels_for(setup.level)},
      memory_(setup.model, blocks_, self_, setup.turn_sizes),
      clock_(options.scenario->fleet, self_, options.stop),
      pacer_(make_pacer(options.scenario->clock, transport)), settings_(settings()),
      runner_(context_, settings_, memory_, clock_, pacer_, transport, log_) {
    if (setup.resume) {
        clock_.set_time(setup.resume->clock);
    }
    log_.detailed = options.trace_ops;
    log_.sent.assign(transport.size(), 0);
}

TurnSettings DeviceExecutor::settings() const {
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

void DeviceExecutor::visit(const std::vector<Turn>& turns, std::span<const StartedTurn> started) {
    runner_.begin(turns);
    for (const StartedTurn& one : started) {
        runner_.set_input_ids(one.turn.slot, one.ids);
    }
    if (!turns.empty()) { // their slots no longer have the previous turns
        std::erase_if(batches_, [&](const auto& before) {
            const Turn& turn = before.second.front();
            return turn.slot / batch_ == turns.front().slot / batch_;
        });
    }
    std::vector<std::int64_t> begun;
    for (const Turn& turn : turns) {
        if (turn.begins_batch()) {
            begun.push_back(turn.number);
        }
        batches_[turn.batch].push_back(turn);
    }
    run(schedule_.visit(begun));
}

std::vector<SampledToken> DeviceExecutor::end(const std::vector<Turn>& batch) {
    run(schedule_.end(batch.front().number));
    std::vector<SampledToken> tokens;
    for (const Turn& turn : batch) {
        tokens.push_back(turn.samples ? runner_.sampled(turn.slot) : SampledToken{});
    }
    return tokens;
}

void DeviceExecutor::run(const std::vector<scheduler::Task>& tasks) {
    for (const scheduler::Task& task : tasks) {
        runner_.run(program_, segments_[task.segment], batches_.at(task.batch));
    }
}

void DeviceExecutor::install(const Installation& installation, const AgreeOnResume& agree) {
    epoch_ = installation.epoch;
    clock_.set_sampled_tokens(installation.tokens_seen);
    if (installation.first) {
        load(installation);
    } else {
        runner_.wait_for_sends();
        if (installation.placement != memory_.placement()) {
            migrate_to(installation, agree);
        }
    }
    const config::Scenario& scenario = *options_->scenario;
    const DeviceId source = scenario.fleet.source;
    std::vector<scheduler::Program> programs = scheduler::lower(
        blocks_,
        installation.placement,
        source,
        transport_->size(),
        scheduler::medium_of(scenario.fleet)
    );
    schedule_ = scheduler::TurnSchedule(
        phase_offsets_for(scenario, blocks_, programs, installation), self_, self_ == source
    );
    program_ = std::move(programs[self_.index()]);
    segments_ = scheduler::segments_of(program_);
    batches_.clear();
    batch_ = installation.batch;
}

/// Loads the blocks of the first placement. This takes no virtual time: clocks start afterwards.
void DeviceExecutor::load(const Installation& installation) {
    if (blocks_.cut().reduce == scheduler::Reduce::ring) {
        memory_.open_norms(*setup_->file);
    }
    memory_.load(*setup_->file, installation.placement);
    memory_.install(installation.placement);
    if (options_->scenario->fleet.devices[self_.index()].has_storage) {
        memory_.open_storage(*setup_->file);
    }
    setup_->file.reset();
    if (options_->after_load) {
        options_->after_load();
    }
    transport_->barrier({"all devices to have loaded their blocks", -1, epoch_, 0});
    pacer_.start(clock_.now());
}

void DeviceExecutor::migrate_to(const Installation& installation, const AgreeOnResume& agree) {
    const MigrationTask order{
        {memory_.placement(),
         installation.placement,
         installation.rows,
         options_->scenario->controller.weights == config::WeightsMode::everywhere},
        installation.epoch,
        installation.t_switch,
        settings_.device_name,
    };
    Arrivals arrivals;
    arrivals.blocks = migrate(memory_, order, clock_, *transport_, log_.sent);
    arrivals.clock = clock_.now();
    clock_.set_time(agree(arrivals));
    pacer_.wait_until(clock_.now());
}

/// In clock mode `paced` it waits in short intervals and checks for a signal after each of them.
bool DeviceExecutor::idle_until(Nanoseconds time) {
    const auto interrupted = transport_->options().interrupted;
    const double scale = options_->scenario->clock.scale;
    const auto piece = static_cast<Nanoseconds>(static_cast<double>(kIdlePiece) / scale);
    while (pacer_.is_paced() && time - clock_.now() > piece) {
        if (interrupted != nullptr && interrupted() != 0) {
            return false;
        }
        clock_.advance_to(clock_.now() + std::max<Nanoseconds>(1, piece));
        pacer_.wait_until(clock_.now());
    }
    clock_.advance_to(time);
    pacer_.wait_until(clock_.now());
    return true;
}

Report DeviceExecutor::report() {
    Report report;
    report.clock = clock_.now();
    report.held = memory_.budget().held();
    report.peak = memory_.budget().peak();
    report.process_bytes = process_bytes();
    report.lateness_max = pacer_.lateness_max();
    std::swap(report.log, log_);
    log_.detailed = report.log.detailed;
    log_.sent.assign(transport_->size(), 0);
    memory_.budget().reset_peak();
    return report;
}

} // namespace headroom::runtime
