#include "runtime/control/course.hpp"

#include <algorithm>
#include <utility>

#include "base/check.hpp"

namespace headroom::runtime {

CourseSettings course_settings(
    const config::Scenario& scenario,
    const std::vector<std::vector<std::int32_t>>& prompts,
    const ResumePoint* resume
) {
    CourseSettings settings;
    settings.requests = requests_of(scenario, prompts, resume);
    settings.queue = queue_of(settings.requests.size(), resume);
    settings.slots = scenario.workload.slots();
    // What buffers hold: a history is taken in by turns no longer than those of the prompts.
    settings.longest_turn = turn_sizes(scenario, prompts).tokens;
    settings.interval = scenario.controller.interval;
    settings.fleet = &scenario.fleet;
    settings.resume = resume;
    return settings;
}

Course::Course(CourseSettings settings, Holdings holdings, Stage& stage)
    : settings_(std::move(settings)), holdings_(std::move(holdings)), stage_(&stage),
      slots_(static_cast<std::size_t>(settings_.slots)), under_way_(slots_.size()) {
    HEADROOM_CHECK(!settings_.queue.empty() && !slots_.empty(), "nothing to decode");
    if (settings_.resume != nullptr) {
        visit_ = settings_.resume->visits;
        round_ = settings_.resume->rounds;
        turns_ = settings_.resume->turns + settings_.slots; // past those that were lost
        sampled_ = seen_ = settings_.resume->sampled;
        last_end_ = settings_.resume->clock;
    }
}

std::int32_t Course::run() {
    decide();
    while (!finished_) {
        if (nothing_in_flight()) {
            begin_afresh();
        } else {
            visit();
        }
    }
    return exit_code_;
}

/// All slots are empty: the end, or a decision for the next request.
void Course::begin_afresh() {
    rounds_.clear();
    ++round_;
    cursor_ = 0;
    if (all_done()) {
        stop(Stop::done);
        return;
    }
    if (!fresh_ && stage_->interrupted() != 0) {
        stop(Stop::interrupted);
        return;
    }
    if (!stage_->idle_until(queued(next_).arrival)) {
        stop(Stop::interrupted);
        return;
    }
    if (!fresh_ || decided_at_ != stage_->clock()) {
        decide();
    }
    if (!finished_) {
        admit(cursor_, decided_at_);
        begin(cursor_);
        advance();
    }
}

void Course::visit() {
    end_turns(cursor_);
    if (nothing_in_flight()) {
        return;
    }
    if (stage_->interrupted() != 0) {
        drain();
        stop(all_done() ? Stop::done : Stop::interrupted);
        return;
    }
    if (decision_due()) {
        decide();
    }
    if (!finished_ && !nothing_in_flight()) {
        admit(cursor_, stage_->clock());
        begin(cursor_);
        advance();
    }
}

void Course::end_turns(std::size_t group) {
    if (under_way_[group]) {
        const UnderWay done = std::move(*under_way_[group]);
        under_way_[group].reset();
        for (const std::vector<Turn>& batch : done.batches) {
            const std::vector<SampledToken> tokens = stage_->end(batch);
            HEADROOM_CHECK(
                tokens.size() == batch.size(), "{} tokens of {} turns", tokens.size(), batch.size()
            );
            for (std::size_t i = 0; i < tokens.size(); ++i) {
                take(batch[i], tokens[i], done.start);
            }
        }
    }
}

/// A turn is over: its sequence is a token longer, or a chunk; it may have ended.
void Course::take(const Turn& turn, const SampledToken& token, Nanoseconds start) {
    const Nanoseconds now = stage_->clock();
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

void Course::end_sequence(std::int32_t number, bool cut) {
    Slot& slot = slots_[static_cast<std::size_t>(number)];
    facts_.ended.push_back({slot.sequence, number, slot.begin, stage_->clock(), cut});
    stage_->sequence_ends(slot.sequence);
    emptied_.push_back(number);
    slot = {};
}

/// When the next turn begins or blocks move: what ended sequences leave behind is part of the
/// interval that they ended in.
void Course::free_caches() {
    for (const std::int32_t slot : std::exchange(emptied_, {})) {
        stage_->free_slot(slot);
    }
}

/// Requests that have come into this group's empty slots, in the order of their arrival.
void Course::admit(std::size_t group, Nanoseconds now) {
    for (std::int32_t s = first_slot(group); s < last_slot(group); ++s) {
        Slot& slot = slots_[static_cast<std::size_t>(s)];
        const bool waits = next_ < settings_.queue.size() && queued(next_).arrival <= now;
        if (slot.empty() && waits && has_room(queued(next_))) {
            slot.sequence = settings_.queue[next_++];
            const Request& what = request(slot.sequence);
            slot.begin = what.begun >= 0 ? what.begun : now;
            slot.sampled = what.sampled_before();
            stage_->sequence_begins(slot.sequence);
        }
    }
}

/// Room for the caches of all that are in flight and this one at their full lengths, on every
/// device. Alone it always begins: the decision before it has seen to that as well as can be.
bool Course::has_room(const Request& request) {
    if (nothing_in_flight()) {
        return true;
    }
    std::int64_t rows = paged(request.most_rows());
    for (const Slot& slot : slots_) {
        rows += slot.empty() ? 0 : paged(this->request(slot.sequence).most_rows());
    }
    const scheduler::FleetRates rates(*settings_.fleet, sampled_);
    const auto shortage = holdings_.shortage(rates, stage_->clock(), rows);
    const std::int64_t sequence = settings_.queue[next_];
    if (shortage && told_wait_ != sequence) {
        told_wait_ = sequence;
        facts_.waits.push_back({sequence, stage_->clock(), shortage->device, shortage->lacking});
    }
    return !shortage;
}

void Course::begin(std::size_t group) {
    const std::vector<StartedTurn> turns = next_turns(group);
    if (turns.empty()) {
        stage_->visit(turns);
        ++visit_;
        return;
    }
    free_caches();
    if (rounds_.empty() || rounds_.back().number != round_) {
        rounds_.push_back({round_, 0, false});
    }
    rounds_.back().unfinished += static_cast<std::int64_t>(turns.size());
    UnderWay begun;
    begun.start = stage_->clock();
    for (const StartedTurn& started : turns) {
        if (started.turn.begins_batch()) {
            begun.batches.emplace_back();
        }
        begun.batches.back().push_back(started.turn);
    }
    seen_ = sampled_;
    fresh_ = false;
    stage_->visit(turns);
    ++visit_;
    under_way_[group] = std::move(begun);
    if (!stage_->has_end()) {
        end_turns(group);
    }
}

/// One for each sequence of the group: those that decode, joined, then prompts one by one.
std::vector<StartedTurn> Course::next_turns(std::size_t group) {
    std::vector<StartedTurn> turns;
    for (const bool decodes : {true, false}) {
        for (std::int32_t s = first_slot(group); s < last_slot(group); ++s) {
            const Slot& slot = slots_[static_cast<std::size_t>(s)];
            if (!slot.empty() && decodes == has_taken_in(slot)) {
                turns.push_back(next_turn(s));
                Turn& turn = turns.back().turn;
                turn.batch = decodes ? turns.front().turn.number : turn.number;
            }
        }
    }
    return turns;
}

StartedTurn Course::next_turn(std::int32_t number) {
    const Slot& slot = slots_[static_cast<std::size_t>(number)];
    const std::vector<std::int32_t>& ids = request(slot.sequence).taken_in();
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
        turn.recheck = request(slot.sequence).recheck_among(turn.first, turn.tokens);
        started.ids = std::span(ids).subspan(
            static_cast<std::size_t>(slot.rows), static_cast<std::size_t>(turn.tokens)
        );
    } else {
        started.ids = std::span(&slot.last_id, 1);
    }
    return started;
}

/// To the next group of slots. The first of them again: the round has all its turns.
void Course::advance() {
    cursor_ = (cursor_ + 1) % groups();
    if (cursor_ == 0) {
        ++round_;
        if (!nothing_in_flight() && stage_->interrupted() == 0 && decision_due()) {
            decide();
        }
    }
}

/// Turns under way finish; no other begins. One cycle of visits, back to the cursor.
void Course::drain() {
    for (std::size_t i = 0; i < groups() && !nothing_under_way(); ++i) {
        const std::size_t group = (cursor_ + i) % groups();
        end_turns(group);
        stage_->visit({});
        ++visit_;
    }
}

void Course::count_round(const Turn& turn) {
    for (Round& round : rounds_) {
        if (round.number == turn.round) {
            --round.unfinished;
            round.sampled |= turn.samples;
        }
    }
}

/// A round is over when it has all its turns and the last of them is sampled. One in which prompts
/// were only taken in does not count.
bool Course::decision_due() {
    while (!rounds_.empty() && rounds_.front().number < round_ && rounds_.front().unfinished == 0) {
        rounds_done_ += rounds_.front().sampled ? 1 : 0;
        rounds_.pop_front();
    }
    return rounds_done_ >= settings_.interval;
}

void Course::decide() {
    const Command command = stage_->decide(facts());
    rounds_done_ = 0;
    fresh_ = true;
    decided_at_ = stage_->clock();
    carry_out(command);
}

void Course::stop(Stop how) {
    if (how == Stop::interrupted) {
        facts_.interrupt_code = stage_->interrupted();
        last_end_ = stage_->clock(); // turns that were taken in without a token took time too
        for (std::size_t s = 0; s < slots_.size(); ++s) {
            if (!slots_[s].empty()) {
                end_sequence(static_cast<std::int32_t>(s), true);
            }
        }
    }
    SourceFacts last = facts();
    last.stop = how;
    carry_out(stage_->decide(last));
}

void Course::carry_out(const Command& command) {
    if (command.finish) {
        drain();
        finished_ = true;
        exit_code_ = command.exit_code;
        stage_->finish(exit_code_);
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
    installation.seen = seen_;
    installation.batch = command.batch;
    installation.t_dec = decided_at_;
    installation.t_switch = stage_->clock();
    for (const Slot& slot : slots_) {
        installation.rows.push_back(slot.rows);
    }
    installation.placement = command.placement;
    facts_.t_switch = stage_->clock();
    stage_->install(installation);
    holdings_.place(command.placement);
    epoch_ = command.epoch;
    cursor_ = static_cast<std::size_t>(first_slot(cursor_) / command.batch);
    batch_ = command.batch;
}

bool Course::nothing_in_flight() const {
    return std::all_of(slots_.begin(), slots_.end(), [](const Slot& s) { return s.empty(); });
}

bool Course::nothing_under_way() const {
    return std::none_of(under_way_.begin(), under_way_.end(), [](const auto& batch) {
        return batch.has_value();
    });
}

std::size_t Course::groups() const {
    return (slots_.size() + static_cast<std::size_t>(batch_) - 1) /
           static_cast<std::size_t>(batch_);
}

std::int32_t Course::first_slot(std::size_t group) const {
    return static_cast<std::int32_t>(group * static_cast<std::size_t>(batch_));
}

std::int32_t Course::last_slot(std::size_t group) const {
    return std::min(
        static_cast<std::int32_t>(slots_.size()),
        static_cast<std::int32_t>((group + 1) * static_cast<std::size_t>(batch_))
    );
}

} // namespace headroom::runtime
