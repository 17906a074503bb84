#include "runtime/control/serving_loop.hpp"

#include <algorithm>
#include <utility>

#include "base/check.hpp"

namespace headroom::runtime {

ServingSettings serving_settings(
    const config::Scenario& scenario,
    const std::vector<std::vector<std::int32_t>>& prompts,
    const ResumePoint* resume
) {
    ServingSettings settings;
    settings.requests = requests_of(scenario, prompts, resume);
    settings.queue = queue_of(settings.requests.size(), resume);
    settings.slots = scenario.workload.slots();
    // Buffers have this size, so the turns of a resumed history are no longer than those of
    // prompts.
    settings.longest_turn = turn_sizes(scenario, prompts).tokens;
    settings.interval = scenario.controller.interval;
    settings.fleet = &scenario.fleet;
    settings.resume = resume;
    settings.semantics = resume == nullptr ? trace::kPresentSemantics : resume->semantics;
    return settings;
}

ServingLoop::ServingLoop(
    ServingSettings settings, MemoryModel memory_model, ExecutionBackend& backend
)
    : settings_(std::move(settings)), memory_model_(std::move(memory_model)), backend_(&backend),
      slots_(static_cast<std::size_t>(settings_.slots)), under_way_(slots_.size()) {
    HEADROOM_CHECK(!settings_.queue.empty() && !slots_.empty(), "nothing to decode");
    if (settings_.resume != nullptr) {
        visit_ = settings_.resume->visits;
        round_ = settings_.resume->rounds;
        turns_ = settings_.resume->turns +
                 settings_.slots; // turns that were under way are not in the trace
        sampled_ = tokens_seen_ = settings_.resume->sampled;
        last_end_ = settings_.resume->clock;
    }
}

std::int32_t ServingLoop::run() {
    decide();
    while (!finished_) {
        if (nothing_in_flight()) {
            start_from_idle();
        } else {
            visit();
        }
    }
    return exit_code_;
}

/// All slots are empty: ends the loop, or waits for the next request and decides for it.
void ServingLoop::start_from_idle() {
    rounds_.clear();
    ++round_;
    group_to_visit_ = 0;
    if (all_done()) {
        return stop(StopReason::done);
    }
    if ((!idle_since_decision_ && backend_->interrupted() != 0) ||
        !backend_->idle_until(queued(queue_position_).arrival)) {
        return stop(StopReason::interrupted);
    }
    if (!idle_since_decision_ || decided_at_ != backend_->clock()) {
        decide();
    }
    if (!finished_) {
        admit(group_to_visit_, decided_at_);
        begin(group_to_visit_);
        advance();
    }
}

void ServingLoop::visit() {
    end_turns(group_to_visit_);
    if (nothing_in_flight()) {
        return;
    }
    if (backend_->interrupted() != 0) {
        drain();
        return stop(all_done() ? StopReason::done : StopReason::interrupted);
    }
    if (decision_due()) {
        decide();
    }
    if (!finished_ && !nothing_in_flight()) {
        admit(group_to_visit_, backend_->clock());
        begin(group_to_visit_);
        advance();
    }
}

void ServingLoop::end_turns(std::size_t group) {
    if (under_way_[group]) {
        const TurnsUnderWay done = std::move(*under_way_[group]);
        under_way_[group].reset();
        for (const std::vector<Turn>& batch : done.batches) {
            const std::vector<SampledToken> tokens = backend_->end(batch);
            HEADROOM_CHECK(
                tokens.size() == batch.size(), "{} tokens of {} turns", tokens.size(), batch.size()
            );
            for (std::size_t i = 0; i < tokens.size(); ++i) {
                complete_turn(batch[i], tokens[i], done.start);
            }
        }
    }
}

/// Records the end of a turn, adds its token to the sequence, and ends the sequence if it is the
/// last.
void ServingLoop::complete_turn(const Turn& turn, const SampledToken& token, Nanoseconds start) {
    const Nanoseconds now = backend_->clock();
    Slot& slot = slots_[static_cast<std::size_t>(turn.slot)];
    slot.rows = turn.first + turn.tokens;
    facts_.turns.push_back({turn, start, now});
    count_round(turn);
    if (!turn.samples) {
        return;
    }
    ++slot.sampled;
    ++sampled_;
    slot.last_id = token.id;
    last_end_ = now;
    facts_.tokens.push_back(
        {turn.sequence, turn.position(), token.id, start, now, token.logits_checksum}
    );
    if (token.ends_text || slot.sampled == request(turn.sequence).limit) {
        end_sequence(turn.slot, false);
    }
}

void ServingLoop::end_sequence(std::int32_t number, bool cut_off) {
    Slot& slot = slots_[static_cast<std::size_t>(number)];
    facts_.ended.push_back({slot.sequence, number, slot.begin, backend_->clock(), cut_off});
    backend_->sequence_ends(slot.sequence);
    emptied_.push_back(number);
    slot = {};
}

/// Frees the caches of ended sequences, when the next turn begins or blocks move. Until then they
/// count as memory of the interval in which the sequences ended.
void ServingLoop::free_caches() {
    for (const std::int32_t slot : std::exchange(emptied_, {})) {
        backend_->free_slot(slot);
    }
}

/// Gives the empty slots of a group to requests that have arrived, in the order of the queue.
void ServingLoop::admit(std::size_t group, Nanoseconds now) {
    for (std::int32_t s = first_slot(group); s < end_slot(group); ++s) {
        Slot& slot = slots_[static_cast<std::size_t>(s)];
        const bool waits =
            queue_position_ < settings_.queue.size() && queued(queue_position_).arrival <= now;
        if (slot.empty() && waits && has_room(queued(queue_position_))) {
            slot.sequence = settings_.queue[queue_position_++];
            const Request& what = request(slot.sequence);
            slot.begin = what.begun_at >= 0 ? what.begun_at : now;
            slot.sampled = what.sampled_before();
            backend_->sequence_begins(slot.sequence);
        }
    }
}

/// Returns whether every device has memory for the caches of all sequences in flight and of this
/// request at their full lengths. True if nothing is in flight, because the decision was for it.
bool ServingLoop::has_room(const Request& request) {
    if (nothing_in_flight()) {
        return true;
    }
    scheduler::CacheRows rows = memory_model_.paged_rows(request.max_rows());
    for (const Slot& slot : slots_) {
        if (!slot.empty()) {
            rows += memory_model_.paged_rows(this->request(slot.sequence).max_rows());
        }
    }
    const scheduler::FleetRates rates(*settings_.fleet, sampled_);
    const auto shortage = memory_model_.first_shortage(rates, backend_->clock(), rows);
    const std::int64_t sequence = settings_.queue[queue_position_];
    if (shortage && reported_wait_ != sequence) {
        reported_wait_ = sequence;
        facts_.waits.push_back({sequence, backend_->clock(), shortage->device, shortage->lacking});
    }
    return !shortage;
}

void ServingLoop::begin(std::size_t group) {
    const std::vector<StartedTurn> turns = next_turns(group);
    if (turns.empty()) {
        backend_->visit(turns);
        ++visit_;
        return;
    }
    free_caches();
    if (rounds_.empty() || rounds_.back().number != round_) {
        rounds_.push_back({round_, 0, false});
    }
    rounds_.back().unfinished += static_cast<std::int64_t>(turns.size());
    TurnsUnderWay begun;
    begun.start = backend_->clock();
    for (const StartedTurn& started : turns) {
        if (started.turn.begins_batch()) {
            begun.batches.emplace_back();
        }
        begun.batches.back().push_back(started.turn);
    }
    tokens_seen_ = sampled_;
    idle_since_decision_ = false;
    backend_->visit(turns);
    ++visit_;
    under_way_[group] = std::move(begun);
    if (!backend_->has_end()) {
        end_turns(group);
    }
}

/// Returns a turn for each sequence of the group: first one batch of decode turns, then prefill
/// turns.
std::vector<StartedTurn> ServingLoop::next_turns(std::size_t group) {
    std::vector<StartedTurn> turns;
    for (const bool decodes : {true, false}) {
        for (std::int32_t s = first_slot(group); s < end_slot(group); ++s) {
            const Slot& slot = slots_[static_cast<std::size_t>(s)];
            if (!slot.empty() && decodes == is_prefilled(slot)) {
                turns.push_back(next_turn(s));
                Turn& turn = turns.back().turn;
                turn.batch = decodes ? turns.front().turn.number : turn.number;
            }
        }
    }
    return turns;
}

StartedTurn ServingLoop::next_turn(std::int32_t number) {
    const Slot& slot = slots_[static_cast<std::size_t>(number)];
    const std::vector<std::int32_t>& ids = request(slot.sequence).prefill_ids();
    const auto length = static_cast<std::int64_t>(ids.size());
    StartedTurn started;
    Turn& turn = started.turn;
    turn.number = turns_++;
    turn.epoch = epoch_;
    turn.sequence = slot.sequence;
    turn.round = round_;
    turn.visit = visit_;
    turn.sampled = sampled_;
    turn.first = slot.rows;
    turn.slot = number;
    if (slot.rows < length) {
        const std::int64_t left = length - slot.rows;
        turn.tokens = std::min(left, settings_.longest_turn);
        turn.samples = turn.tokens == left;
        turn.recheck = request(slot.sequence).recheck_in(turn.first, turn.tokens);
        started.ids = std::span(ids).subspan(
            static_cast<std::size_t>(slot.rows), static_cast<std::size_t>(turn.tokens)
        );
    } else {
        started.ids = std::span(&slot.last_id, 1);
    }
    return started;
}

/// Goes on to the next group of slots. After the last group the next round begins.
void ServingLoop::advance() {
    group_to_visit_ = (group_to_visit_ + 1) % groups();
    if (group_to_visit_ == 0) {
        ++round_;
        if (!nothing_in_flight() && backend_->interrupted() == 0 && decision_due()) {
            decide();
        }
    }
}

/// Ends all turns under way without beginning others, in up to one cycle of visits.
void ServingLoop::drain() {
    for (std::size_t i = 0; i < groups() && !nothing_under_way(); ++i) {
        const std::size_t group = (group_to_visit_ + i) % groups();
        end_turns(group);
        backend_->visit({});
        ++visit_;
    }
}

void ServingLoop::count_round(const Turn& turn) {
    for (Round& round : rounds_) {
        if (round.number == turn.round) {
            --round.unfinished;
            round.sampled |= turn.samples;
        }
    }
}

/// Returns whether λ rounds have ended since the last decision. A round has ended when all its
/// turns have begun and ended. A round in which no turn sampled does not count.
bool ServingLoop::decision_due() {
    while (!rounds_.empty() && rounds_.front().number < round_ && rounds_.front().unfinished == 0) {
        rounds_done_ += rounds_.front().sampled ? 1 : 0;
        rounds_.pop_front();
    }
    return rounds_done_ >= settings_.interval;
}

void ServingLoop::decide() {
    seen_at_decision_ = seen_by_decision();
    const Command command = backend_->decide(facts());
    rounds_done_ = 0;
    idle_since_decision_ = true;
    decided_at_ = backend_->clock();
    execute(command);
}

void ServingLoop::stop(StopReason how) {
    if (how == StopReason::interrupted) {
        facts_.interrupt_code = backend_->interrupted();
        last_end_ = backend_->clock(); // turns that did not sample took time too
        for (std::size_t s = 0; s < slots_.size(); ++s) {
            if (!slots_[s].empty()) {
                end_sequence(static_cast<std::int32_t>(s), true);
            }
        }
    }
    SourceFacts last = facts();
    last.stop = how;
    execute(backend_->decide(last));
}

void ServingLoop::execute(const Command& command) {
    if (command.finish) {
        drain();
        finished_ = true;
        exit_code_ = command.exit_code;
        backend_->finish(exit_code_);
        return;
    }
    if (!command.first && !command.changed) {
        return;
    }
    drain();
    free_caches();
    Installation installation;
    installation.first = command.first;
    installation.epoch = command.epoch;
    installation.tokens_seen = seen_at_decision_;
    installation.batch = command.batch;
    installation.t_dec = decided_at_;
    installation.t_switch = backend_->clock();
    for (const Slot& slot : slots_) {
        installation.rows.push_back(slot.rows);
    }
    installation.placement = command.placement;
    facts_.t_switch = backend_->clock();
    backend_->install(installation);
    memory_model_.set_placement(command.placement);
    epoch_ = command.epoch;
    group_to_visit_ = static_cast<std::size_t>(first_slot(group_to_visit_) / command.batch);
    batch_ = command.batch;
}

bool ServingLoop::nothing_in_flight() const {
    return std::ranges::all_of(slots_, &Slot::empty);
}

bool ServingLoop::nothing_under_way() const {
    return std::ranges::none_of(under_way_, [](const auto& batch) { return batch.has_value(); });
}

std::size_t ServingLoop::groups() const {
    return (slots_.size() + static_cast<std::size_t>(batch_) - 1) /
           static_cast<std::size_t>(batch_);
}

std::int32_t ServingLoop::first_slot(std::size_t group) const {
    return static_cast<std::int32_t>(group * static_cast<std::size_t>(batch_));
}

std::int32_t ServingLoop::end_slot(std::size_t group) const {
    return std::min(
        static_cast<std::int32_t>(slots_.size()),
        static_cast<std::int32_t>((group + 1) * static_cast<std::size_t>(batch_))
    );
}

} // namespace headroom::runtime
