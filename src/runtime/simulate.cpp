#include "runtime/simulate.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "runtime/controller.hpp"
#include "runtime/course.hpp"
#include "runtime/holdings.hpp"
#include "runtime/outline.hpp"
#include "runtime/overload.hpp"
#include "scheduler/program.hpp"
#include "scheduler/timeline.hpp"

namespace headroom::runtime {

namespace {

class Simulation final : public Stage {
  public:
    Simulation(const RunOptions& options, const Outline& outline, int (*asked)());
    RunOutcome run();

    [[nodiscard]] Nanoseconds clock() const override { return timeline_.clock(source_); }
    [[nodiscard]] bool idle_until(Nanoseconds time) override {
        timeline_.raise(source_, time);
        return true;
    }
    [[nodiscard]] bool has_end() const override { return timeline_.has_end(); }
    void visit(const std::vector<StartedTurn>& turns) override;
    [[nodiscard]] std::vector<SampledToken> end(const std::vector<Turn>& batch) override;
    void sequence_begins(std::int64_t /*sequence*/) override {}
    void sequence_ends(std::int64_t /*sequence*/) override {}
    void free_slot(std::int32_t slot) override { hold(slot, 0); }
    [[nodiscard]] Command decide(const SourceFacts& facts) override;
    void install(const Installation& installation) override;
    void finish(std::int32_t /*exit_code*/) override {}
    [[nodiscard]] std::int32_t interrupted() const override {
        return interrupted_ == nullptr ? 0 : interrupted_();
    }
    [[nodiscard]] Nanoseconds elapsed_wall() const override { return 0; }

  private:
    void migrate(const Installation& installation);
    Bytes over_budget(const scheduler::Timeline::FirstOperation& first);
    void check_that_all_ends() const;
    void hold(std::int32_t slot, std::int64_t rows);
    void note_peaks();
    [[nodiscard]] DeviceFacts device_facts();
    [[nodiscard]] Subject subject(const RunOptions& options) const;
    [[nodiscard]] const std::string& name_of(DeviceId d) const {
        return scenario_.fleet.devices[d.index()].name;
    }

    const config::Scenario& scenario_;
    const Outline& outline_;
    Observer* observer_;
    int (*interrupted_)();
    bool detailed_;
    DeviceId source_;
    scheduler::Blocks blocks_;
    Controller controller_;
    scheduler::Timeline timeline_;
    Holdings holdings_;
    scheduler::Placement placement_;
    std::vector<scheduler::Program> programs_;
    std::map<std::int64_t, std::int64_t> batches_; ///< first turn -> the timeline's number
    std::vector<std::int64_t> rows_;               ///< per slot, in whole pages
    std::int64_t cached_ = 0;                      ///< of all slots
    std::int64_t most_cached_ = 0;                 ///< since the last report
    std::vector<DeviceUse> uses_;                  ///< since the last report
    std::vector<LinkUse> moved_;                   ///< by migrations, since the last report
    std::int64_t sampled_ = 0;
};

Simulation::Simulation(const RunOptions& options, const Outline& outline, int (*asked)())
    : scenario_(*options.scenario), outline_(outline), observer_(options.observer),
      interrupted_(asked), detailed_(options.trace_ops), source_(scenario_.fleet.source),
      blocks_(outline.shape, scenario_.controller.cut()), controller_(subject(options)),
      timeline_(blocks_, scenario_.fleet.size()),
      holdings_(
          blocks_,
          scheduler::buffer_bytes(outline.shape, outline.turn_sizes, blocks_.cut()),
          scenario_.fleet.size()
      ),
      rows_(static_cast<std::size_t>(scenario_.workload.slots())), uses_(scenario_.fleet.size()) {}

Subject Simulation::subject(const RunOptions& options) const {
    Subject subject;
    subject.scenario = &scenario_;
    subject.blocks = &blocks_;
    subject.policy = options.policy;
    subject.prompts = &outline_.prompts;
    subject.turn_sizes = outline_.turn_sizes;
    subject.attributes = options.attributes;
    subject.attributes["execution"] = "simulated";
    subject.attributes["clock"] = config::name_of(config::ClockMode::virtual_time);
    subject.attributes["model"] = outline_.name;
    subject.trace_ops = options.trace_ops;
    subject.sink = options.sink;
    subject.observer = options.observer;
    return subject;
}

RunOutcome Simulation::run() {
    RunOutcome outcome;
    CourseSettings settings;
    settings.requests = requests_of(scenario_, outline_.prompts);
    settings.slots = scenario_.workload.slots();
    settings.prefill_chunk = scenario_.workload.prefill_chunk;
    settings.interval = scenario_.controller.interval;
    settings.fleet = &scenario_.fleet;
    try {
        outcome.exit_code = Course(std::move(settings), holdings_, *this).run();
    } catch (const Error& error) {
        outcome.exit_code = static_cast<int>(error.code());
        outcome.message = error.what();
    } catch (...) {
        controller_.end(trace::Completion::failed);
        throw;
    }
    const bool stopped = outcome.exit_code == static_cast<int>(ExitCode::interrupted) ||
                         outcome.exit_code == static_cast<int>(ExitCode::terminated);
    controller_.end(
        outcome.exit_code == 0 ? trace::Completion::finished
        : stopped              ? trace::Completion::interrupted
                               : trace::Completion::failed
    );
    return outcome;
}

/// A slot's caches have so many rows from here on.
void Simulation::hold(std::int32_t slot, std::int64_t rows) {
    std::int64_t& now = rows_[static_cast<std::size_t>(slot)];
    cached_ += paged(rows) - now;
    now = paged(rows);
    most_cached_ = std::max(most_cached_, cached_);
    timeline_.hold_cached(cached_);
}

void Simulation::visit(const std::vector<StartedTurn>& turns) {
    std::vector<scheduler::Batch> walked;
    std::vector<std::int64_t> begun;
    std::shared_ptr<const scheduler::Rates> rates;
    if (!turns.empty()) {
        const std::int64_t sampled = turns.front().turn.sampled;
        rates = std::make_shared<scheduler::FleetRates>(scenario_.fleet, sampled);
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
        hold(turn.slot, turn.first + turn.tokens);
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
    for (const Turn& turn : batch) {
        sampled_ += turn.samples ? 1 : 0;
        if (observer_ != nullptr && turn.samples) {
            observer_->on_token("", sampled_);
        }
    }
    return std::vector<SampledToken>(batch.size());
}

Command Simulation::decide(const SourceFacts& facts) {
    controller_.close_interval(facts);
    const DeviceFacts devices = device_facts();
    if (controller_.incomplete()) {
        controller_.complete(devices);
    }
    return controller_.next(facts);
}

void Simulation::install(const Installation& installation) {
    if (!installation.first) {
        note_peaks();
        migrate(installation);
    }
    placement_ = installation.placement;
    holdings_.place(placement_);
    programs_ = scheduler::lower(blocks_, installation.placement, source_, scenario_.fleet.size());
    timeline_.install(
        &programs_,
        stagger(scenario_, blocks_, programs_, installation),
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
        std::accumulate(installation.rows.begin(), installation.rows.end(), std::int64_t{0}),
        scenario_.controller.weights == config::Weights::everywhere
    );
    if (moves.empty()) {
        return;
    }
    const scheduler::FleetRates rates(scenario_.fleet, installation.seen);
    std::vector<scheduler::MoveRecord> log;
    Nanoseconds latest = installation.t_switch;
    for (std::size_t d = 0; d < scenario_.fleet.size(); ++d) {
        latest = std::max(latest, timeline_.clock(DeviceId(d)));
    }
    const Nanoseconds resume = timeline_.migrate(moves, rates, installation.t_switch, &log);
    std::vector<Arrived> arrived;
    for (const scheduler::MoveRecord& record : log) {
        if (record.end == kNever) {
            throw StuckError(fmt::format(
                "{} never arrives at device {} ({}): a link or its storage stays 0, expected it to "
                "rise again; change the link's variation, the storage's load or events in the "
                "scenario",
                to_string(blocks_.name(record.move.block)),
                record.move.to.value,
                name_of(record.move.to)
            ));
        }
        arrived.push_back({record.move, record.start, record.end, 0});
        if (record.move.bytes > 0) {
            moved_.push_back({record.move.from, record.move.to, record.move.bytes});
        }
    }
    const Nanoseconds told = controller_.resume_after(installation.t_switch, latest, arrived);
    HEADROOM_CHECK(told == resume, "devices go on at {} ns, the controller says {}", resume, told);
}

Bytes Simulation::over_budget(const scheduler::Timeline::FirstOperation& first) {
    const DeviceId d = first.device;
    const scheduler::DeviceSpec& device = scenario_.fleet.devices[d.index()];
    const Bytes held = holdings_.at(d.index(), first.cached);
    const Bytes over = held - first.rates.memory(d, first.start);
    if (over <= 0) {
        return 0;
    }
    if (!may_page(scenario_.controller.overload, device)) {
        throw over_budget_error(d, device.name, held, over, first.start);
    }
    DeviceUse& use = uses_[d.index()];
    use.overloads.push_back({first.start, over});
    use.paged += over;
    return over;
}

/// The first thing that began and has no end is what the run is stuck in.
void Simulation::check_that_all_ends() const {
    for (const scheduler::OpRecord& op : timeline_.endless().ops) {
        throw StuckError(fmt::format(
            "device {} ({}) never finishes {} of turn {}: its rate stays 0, expected it to "
            "rise again; change the device's load or events in the scenario",
            op.device.value,
            name_of(op.device),
            to_string(blocks_.name(op.block)),
            op.turn
        ));
    }
    for (const scheduler::MessageRecord& message : timeline_.endless().messages) {
        throw StuckError(fmt::format(
            "{} of turn {} from device {} ({}) never arrives at device {}: the link's rate "
            "stays 0, expected it to rise again; change the link's variation or events in the "
            "scenario",
            scheduler::name_of(message.payload),
            message.turn,
            message.from.value,
            name_of(message.from),
            message.to.value
        ));
    }
}

/// One entry per link that was used, by sender and receiver.
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

/// Within a migration no device holds more than before or after, so the most that was held is what
/// was held at one of its ends, or with the largest caches before or after it.
void Simulation::note_peaks() {
    for (std::size_t d = 0; d < uses_.size(); ++d) {
        uses_[d].peak = std::max(uses_[d].peak, holdings_.at(d, most_cached_));
    }
    most_cached_ = cached_;
}

/// What happened since the last report.
DeviceFacts Simulation::device_facts() {
    note_peaks();
    DeviceFacts facts;
    std::vector<scheduler::DeviceLog> logs = timeline_.mark();
    for (std::size_t d = 0; d < logs.size(); ++d) {
        DeviceUse& use = uses_[d];
        use.held = holdings_.at(d, cached_);
        use.busy = logs[d].busy;
        for (const auto& [to, bytes] : logs[d].sent) {
            moved_.push_back({DeviceId(d), to, bytes});
        }
        const scheduler::TimelineLog& records = logs[d].records;
        facts.ops.insert(facts.ops.end(), records.ops.begin(), records.ops.end());
        facts.messages.insert(
            facts.messages.end(), records.messages.begin(), records.messages.end()
        );
    }
    facts.links = summed(std::exchange(moved_, {}));
    facts.devices = std::exchange(uses_, std::vector<DeviceUse>(uses_.size()));
    return facts;
}

} // namespace

RunOutcome simulate(const RunOptions& options, int (*interrupted)()) {
    try {
        const Outline outline = outline_of(*options.scenario);
        return Simulation(options, outline, interrupted).run();
    } catch (const Error& error) {
        RunOutcome outcome;
        outcome.exit_code = static_cast<int>(error.code());
        outcome.message = error.what();
        return outcome;
    }
}

} // namespace headroom::runtime
