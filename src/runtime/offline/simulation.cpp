#include "runtime/offline/simulation.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "runtime/device/phase_offsets.hpp"
#include "runtime/memory/never.hpp"
#include "runtime/memory/overload.hpp"

namespace headroom::runtime {

namespace {

ControllerContext with_workload(
    ControllerContext context, const WorkloadDescription& workload, const scheduler::Blocks& blocks
) {
    context.blocks = &blocks;
    context.prompts = &workload.prompts;
    context.turn_sizes = workload.turn_sizes;
    return context;
}

/// Adds `rows` to those that no other exceeds in both numbers, unless one of them exceeds it.
void add_largest(const scheduler::CacheRows& rows, std::vector<scheduler::CacheRows>& largest) {
    const auto covers = [](const scheduler::CacheRows& a, const scheduler::CacheRows& b) {
        return a.all >= b.all && a.windowed >= b.windowed;
    };
    if (std::ranges::any_of(largest, [&](const auto& other) { return covers(other, rows); })) {
        return;
    }
    std::erase_if(largest, [&](const auto& other) { return covers(rows, other); });
    largest.push_back(rows);
}

} // namespace

Simulation::Simulation(
    const WorkloadDescription& workload, ControllerContext context, StopCheck interrupt_code
)
    : scenario_(*context.scenario), observer_(context.observer), detailed_(context.trace_ops),
      stop_(context.stop), interrupt_check_(interrupt_code), source_(scenario_.fleet.source),
      blocks_(workload.shape, scenario_.controller.cut()),
      controller_(with_workload(context, workload, blocks_)),
      timeline_(blocks_, scenario_.fleet.size()),
      memory_model_(
          blocks_,
          scheduler::buffer_bytes(workload.shape, workload.turn_sizes, blocks_.cut()),
          scenario_.fleet.size()
      ),
      rows_(static_cast<std::size_t>(scenario_.workload.slots())),
      device_uses_(scenario_.fleet.size()) {
    for (std::size_t d = 0; context.resume != nullptr && d < scenario_.fleet.size(); ++d) {
        timeline_.advance_clock(DeviceId(d), context.resume->clock);
    }
}

RunOutcome Simulation::run(ServingSettings settings) {
    RunOutcome outcome;
    try {
        outcome.exit_code = ServingLoop(std::move(settings), memory_model_, *this).run();
    } catch (const Error& error) {
        outcome = outcome_of(error);
    } catch (...) {
        controller_.end_trace(static_cast<int>(ExitCode::bug));
        throw;
    }
    controller_.end_trace(outcome.exit_code);
    return outcome;
}

void Simulation::set_cached_rows(std::int32_t slot, std::int64_t rows) {
    scheduler::CacheRows& now = rows_[static_cast<std::size_t>(slot)];
    cached_ -= now;
    now = blocks_.paged_rows(rows);
    cached_ += now;
    add_largest(cached_, largest_cached_);
    timeline_.set_cached_rows(cached_);
}

void Simulation::visit(const std::vector<StartedTurn>& turns) {
    std::vector<scheduler::Batch> walked;
    std::vector<std::int64_t> begun;
    std::shared_ptr<const scheduler::Rates> rates;
    if (!turns.empty()) {
        const std::int64_t sampled = turns.front().turn.sampled;
        rates = std::make_shared<scheduler::FleetRates>(scenario_.fleet, sampled, stop_);
    }
    for (const StartedTurn& started : turns) {
        const Turn& turn = started.turn;
        if (turn.begins_batch()) {
            begun.push_back(turn.number);
            walked.push_back({{}, rates});
        }
        walked.back().turns.push_back(
            {turn.first, turn.tokens, turn.samples, turn.slot, turn.number}
        );
        set_cached_rows(turn.slot, turn.first + turn.tokens);
    }
    std::int64_t number = timeline_.visit(std::move(walked));
    for (const std::int64_t batch : begun) {
        batches_[batch] = number++;
    }
    check_that_all_ends();
}

std::vector<SampledToken> Simulation::end(const std::vector<Turn>& batch) {
    const auto walked = batches_.find(batch.front().number);
    (void)timeline_.end(walked->second);
    batches_.erase(walked);
    check_that_all_ends();
    std::vector<SampledToken> tokens;
    for (const Turn& turn : batch) {
        tokens.push_back(turn.samples ? token_of(turn) : SampledToken{});
        sampled_ += turn.samples ? 1 : 0;
        if (observer_ != nullptr && turn.samples) {
            observer_->on_token("", sampled_);
        }
    }
    return tokens;
}

void Simulation::close_interval(const SourceFacts& facts) {
    controller_.close_interval(facts);
    const DeviceFacts devices = device_facts();
    if (controller_.has_closed_interval()) {
        controller_.complete_interval(devices);
    }
}

Command Simulation::decide(const SourceFacts& facts) {
    close_interval(facts);
    return controller_.next_command(facts);
}

void Simulation::install(const Installation& installation) {
    if (!installation.first) {
        record_peaks();
        migrate(installation);
    }
    placement_ = installation.placement;
    memory_model_.set_placement(placement_);
    programs_ = scheduler::lower(
        blocks_,
        installation.placement,
        source_,
        scenario_.fleet.size(),
        scheduler::medium_of(scenario_.fleet)
    );
    timeline_.install(
        &programs_,
        phase_offsets_for(scenario_, blocks_, programs_, installation),
        {source_,
         [this](const scheduler::Timeline::FirstOperation& first) { return over_budget(first); },
         detailed_}
    );
}

void Simulation::migrate(const Installation& installation) {
    const std::vector<scheduler::Move> moves = scheduler::moves_between(
        blocks_,
        placement_,
        installation.placement,
        blocks_.kept_rows(installation.rows),
        scenario_.controller.weights == config::WeightsMode::everywhere
    );
    if (moves.empty()) {
        return;
    }
    const scheduler::FleetRates rates(scenario_.fleet, installation.tokens_seen, stop_);
    std::vector<scheduler::MoveRecord> log;
    Nanoseconds latest = installation.t_switch;
    for (std::size_t d = 0; d < scenario_.fleet.size(); ++d) {
        latest = std::max(latest, timeline_.clock(DeviceId(d)));
    }
    const Nanoseconds resume = timeline_.migrate(
        moves,
        rates,
        installation.t_switch,
        &log,
        {installation.epoch, scheduler::medium_of(scenario_.fleet)}
    );
    std::vector<ArrivedBlock> arrived;
    for (const scheduler::MoveRecord& record : log) {
        if (record.end == kNever) {
            throw StuckError(fmt::format(
                "{} never arrives at device {} ({}): the rate of a link or its storage {}; change "
                "the link's variation, the storage's load or events in the scenario",
                to_string(blocks_.name(record.move.block)),
                record.move.to.value,
                name_of(record.move.to),
                never_ends_because(
                    {record.move.bytes > 0
                         ? &scenario_.fleet.network.link(record.move.from, record.move.to).bandwidth
                         : &scenario_.fleet.devices[record.move.to.index()].storage_bandwidth},
                    record.start,
                    installation.tokens_seen
                )
            ));
        }
        arrived.push_back({record.move, record.start, record.end, 0});
        if (record.move.bytes > 0) {
            link_uses_.push_back({record.move.from, record.move.to, record.move.bytes});
        }
    }
    const Nanoseconds decided = controller_.resume_after(installation.t_switch, latest, arrived);
    HEADROOM_CHECK(
        decided == resume, "devices go on at {} ns, the controller says {}", resume, decided
    );
}

Bytes Simulation::over_budget(const scheduler::Timeline::FirstOperation& first) {
    const DeviceId d = first.device;
    const scheduler::DeviceSpec& device = scenario_.fleet.devices[d.index()];
    const Bytes held = memory_model_.bytes_held(d.index(), first.cached_rows);
    const Bytes over = held - first.rates.memory(d, first.start);
    if (over <= 0) {
        return 0;
    }
    if (!may_page(scenario_.controller.overload, device)) {
        throw over_budget_error(d, device.name, held, over, first.start);
    }
    DeviceUse& use = device_uses_[d.index()];
    use.overloads.push_back({first.start, over});
    use.paged += over;
    return over;
}

/// Throws StuckError for the first operation or message that never ends.
void Simulation::check_that_all_ends() const {
    for (const scheduler::OpRecord& op : timeline_.endless().ops) {
        throw never_finishes(scenario_.fleet, op, blocks_.name(op.block), sampled_);
    }
    for (const scheduler::MessageRecord& message : timeline_.endless().messages) {
        throw never_arrives(scenario_.fleet, message, sampled_);
    }
}

namespace {

/// Returns one entry per link that was used, ordered by sender and receiver.
std::vector<LinkUse> summed(std::vector<LinkUse> uses) {
    std::sort(uses.begin(), uses.end(), [](const LinkUse& a, const LinkUse& b) {
        return a.from == b.from ? a.to < b.to : a.from < b.from;
    });
    std::vector<LinkUse> sums;
    for (const LinkUse& use : uses) {
        if (!sums.empty() && sums.back().from == use.from && sums.back().to == use.to) {
            sums.back().bytes += use.bytes;
        } else {
            sums.push_back(use);
        }
    }
    return sums;
}

} // namespace

/// Raises the peaks to what the devices held with the largest caches since the last call. It must
/// be called before the placement changes. During a migration no device holds more than before or
/// after.
void Simulation::record_peaks() {
    for (const scheduler::CacheRows& cached : largest_cached_) {
        for (std::size_t d = 0; d < device_uses_.size(); ++d) {
            device_uses_[d].peak =
                std::max(device_uses_[d].peak, memory_model_.bytes_held(d, cached));
        }
    }
    largest_cached_ = {cached_};
}

/// Returns what the devices did since the last call.
DeviceFacts Simulation::device_facts() {
    record_peaks();
    DeviceFacts facts;
    std::vector<scheduler::DeviceLog> logs = timeline_.take_logs();
    for (std::size_t d = 0; d < logs.size(); ++d) {
        DeviceUse& use = device_uses_[d];
        use.held = memory_model_.bytes_held(d, cached_);
        use.busy = logs[d].busy;
        for (const auto& [to, bytes] : logs[d].sent) {
            link_uses_.push_back({DeviceId(d), to, bytes});
        }
        const scheduler::TimelineLog& records = logs[d].records;
        facts.ops.insert(facts.ops.end(), records.ops.begin(), records.ops.end());
        facts.messages.insert(
            facts.messages.end(), records.messages.begin(), records.messages.end()
        );
    }
    facts.links = summed(std::exchange(link_uses_, {}));
    facts.devices = std::exchange(device_uses_, std::vector<DeviceUse>(device_uses_.size()));
    return facts;
}

} // namespace headroom::runtime
