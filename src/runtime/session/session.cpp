#include "runtime/session/session.hpp"

#include <memory>
#include <utility>

#include "base/check.hpp"
#include "base/error.hpp"
#include "runtime/control/conductor.hpp"
#include "runtime/control/course.hpp"
#include "runtime/device/control_messages.hpp"
#include "runtime/device/device_part.hpp"
#include "runtime/setup/setup.hpp"

namespace headroom::runtime {

namespace {

Note note_of(Note::Kind kind) {
    Note note;
    note.kind = kind;
    return note;
}

/// One device for the length of a run. The source's course takes place here; all others follow its
/// notes. On rank 0 the conductor works at every mark.
class DeviceSession final : public Stage {
  public:
    DeviceSession(const RunOptions& options, Setup setup, comm::Transport& transport);
    RunOutcome run();

    // The course's stage, on the source:
    [[nodiscard]] Nanoseconds clock() const override { return part_.clock(); }
    [[nodiscard]] bool idle_until(Nanoseconds time) override { return part_.idle_until(time); }
    [[nodiscard]] bool has_end() const override { return part_.has_end(); }
    void visit(const std::vector<StartedTurn>& turns) override;
    [[nodiscard]] std::vector<SampledToken> end(const std::vector<Turn>& batch) override;
    void sequence_begins(std::int64_t sequence) override;
    void sequence_ends(std::int64_t sequence) override;
    void free_slot(std::int32_t slot) override;
    [[nodiscard]] Command decide(const SourceFacts& facts) override;
    void install(const Installation& installation) override;
    void finish(std::int32_t exit_code) override;
    [[nodiscard]] std::int32_t interrupted() const override;
    [[nodiscard]] Nanoseconds elapsed_wall() const override { return part_.elapsed_wall(); }

  private:
    [[nodiscard]] bool is_source() const { return self_ == source_; }
    [[nodiscard]] comm::Waiting waiting(std::string_view what) const {
        return {what, -1, part_.epoch(), -1};
    }
    void lead();
    void follow();
    bool obey(const Note& note);
    void tell(Note note);
    void show(const ShownToken& token);
    void mark();
    void conduct();
    Command next_command(const SourceFacts& facts);
    void collect(bool all);
    Nanoseconds agree_on_resume(Nanoseconds t_switch, const Arrivals& arrivals);
    void close_trace(int exit_code);

    const RunOptions* options_;
    Setup setup_;
    comm::Transport* transport_;
    DeviceId self_;
    DeviceId source_;
    DevicePart part_;
    std::unique_ptr<Conductor> conductor_;
    std::vector<ShownToken> shown_; ///< source: since the last note
    RunOutcome outcome_;
};

DeviceSession::DeviceSession(const RunOptions& options, Setup setup, comm::Transport& transport)
    : options_(&options), setup_(std::move(setup)), transport_(&transport), self_(transport.self()),
      source_(options.scenario->fleet.source), part_(options, setup_, transport) {
    if (self_ == DeviceId(0)) {
        conductor_ = std::make_unique<Conductor>(options, setup_, part_.blocks());
    }
}

/// Rank 0: closes the trace, whatever happened.
void DeviceSession::close_trace(int exit_code) {
    if (!conductor_) {
        return;
    }
    const bool interrupted = exit_code == static_cast<int>(ExitCode::interrupted) ||
                             exit_code == static_cast<int>(ExitCode::terminated);
    const comm::Transport::Excuse busy(*transport_);
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
    try {
        if (is_source()) {
            lead();
        } else {
            follow();
        }
        transport_->finish_copies(waiting("the last messages"));
    } catch (const Error& error) {
        close_trace(static_cast<int>(error.code()));
        throw;
    } catch (...) {
        close_trace(static_cast<int>(ExitCode::bug));
        throw;
    }
    close_trace(outcome_.exit_code);
    if (conductor_) {
        outcome_.lateness_max = conductor_->lateness_max();
        outcome_.elapsed_wall = conductor_->elapsed_wall();
        outcome_.message = conductor_->message();
    }
    return std::move(outcome_);
}

void DeviceSession::lead() {
    CourseSettings settings =
        course_settings(*options_->scenario, setup_.prompts, setup_.resume_point());
    Holdings holdings(part_.blocks(), setup_.buffers(part_.blocks()), transport_->size());
    outcome_.exit_code = Course(std::move(settings), std::move(holdings), *this).run();
}

void DeviceSession::follow() {
    while (obey(unpack_note(
        transport_->receive_any_size(source_, comm::Tag::control, waiting("the source's next turn"))
    ))) {
    }
}

/// False at the end.
bool DeviceSession::obey(const Note& note) {
    for (const ShownToken& token : note.shown) {
        show(token);
    }
    switch (note.kind) {
    case Note::Kind::visit:
        part_.visit(note.turns);
        return true;
    case Note::Kind::free_slot:
        part_.free_slot(note.slot);
        return true;
    case Note::Kind::mark:
        mark();
        return true;
    case Note::Kind::install:
        part_.install(note.installation, [&](const Arrivals& arrivals) {
            return agree_on_resume(note.installation.t_switch, arrivals);
        });
        return true;
    case Note::Kind::finish:
        outcome_.exit_code = note.exit_code;
        return false;
    }
    HEADROOM_CHECK(false, "note {}", static_cast<int>(note.kind));
}

/// Source: to all others, in the same order.
void DeviceSession::tell(Note note) {
    note.shown = std::exchange(shown_, {});
    const std::vector<std::byte> bytes = pack(note);
    for (std::size_t d = 0; d < transport_->size(); ++d) {
        if (DeviceId(d) != self_) {
            transport_->send_copy(DeviceId(d), comm::Tag::control, bytes);
        }
    }
}

/// To the observer: at once on rank 0, else with the next note.
void DeviceSession::show(const ShownToken& token) {
    if (conductor_) {
        const comm::Transport::Excuse busy(*transport_); // who reads it, may take his time
        conductor_->show(token);
    } else if (is_source()) {
        shown_.push_back(token);
    }
}

void DeviceSession::visit(const std::vector<StartedTurn>& turns) {
    Note note;
    for (const StartedTurn& started : turns) {
        note.turns.push_back(started.turn);
    }
    tell(note);
    part_.visit(note.turns, turns);
}

std::vector<SampledToken> DeviceSession::end(const std::vector<Turn>& batch) {
    std::vector<SampledToken> tokens = part_.end(batch);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        if (batch[i].samples) {
            tokens[i].ends_text = setup_.end_of_text >= 0 && tokens[i].id == setup_.end_of_text;
            show({batch[i].sequence, ShownToken::Kind::token, tokens[i].id});
        }
    }
    return tokens;
}

void DeviceSession::sequence_begins(std::int64_t sequence) {
    show({sequence, ShownToken::Kind::begin, -1});
}

void DeviceSession::sequence_ends(std::int64_t sequence) {
    show({sequence, ShownToken::Kind::end, -1});
}

void DeviceSession::free_slot(std::int32_t slot) {
    Note note = note_of(Note::Kind::free_slot);
    note.slot = slot;
    tell(std::move(note));
    part_.free_slot(slot);
}

Command DeviceSession::decide(const SourceFacts& facts) {
    tell(note_of(Note::Kind::mark));
    transport_->send_copy(DeviceId(0), comm::Tag::control, pack(facts));
    mark();
    return unpack_command(transport_->receive_any_size(
        DeviceId(0), comm::Tag::control, waiting("the controller's next decision")
    ));
}

void DeviceSession::install(const Installation& installation) {
    Note note = note_of(Note::Kind::install);
    note.installation = installation;
    tell(std::move(note));
    part_.install(installation, [&](const Arrivals& arrivals) {
        return agree_on_resume(installation.t_switch, arrivals);
    });
}

void DeviceSession::finish(std::int32_t exit_code) {
    Note note = note_of(Note::Kind::finish);
    note.exit_code = exit_code;
    tell(std::move(note));
}

std::int32_t DeviceSession::interrupted() const {
    const auto asked = transport_->options().interrupted;
    return asked == nullptr ? 0 : asked();
}

/// All devices come here between the same two of the source's notes.
void DeviceSession::mark() {
    if (part_.epoch() >= 0) { // before the first decision there is nothing to report
        transport_->send_copy(DeviceId(0), comm::Tag::report, pack(part_.report()));
    }
    if (conductor_) {
        conduct();
    }
}

/// Rank 0: the interval is over. Turns under way go on meanwhile on the other devices, so their
/// reports are waited for only if there are none.
void DeviceSession::conduct() {
    const SourceFacts facts = unpack_source_facts(transport_->receive_any_size(
        source_, comm::Tag::control, waiting("what the source did in an interval")
    ));
    conductor_->close_interval(facts);
    collect(facts.drained);
    transport_->send_copy(source_, comm::Tag::control, pack(next_command(facts)));
}

/// A policy may search for as long as it likes; the others know that it does.
Command DeviceSession::next_command(const SourceFacts& facts) {
    const comm::Transport::Excuse busy(*transport_);
    return conductor_->next(facts);
}

void DeviceSession::collect(bool all) {
    while (const auto device = conductor_->awaited()) {
        if (!all && !transport_->ready(*device, comm::Tag::report)) {
            return;
        }
        Report report = unpack_report(transport_->receive_any_size(
            *device, comm::Tag::report, waiting("the report of an interval")
        ));
        const comm::Transport::Excuse busy(*transport_);
        conductor_->take(std::move(report));
    }
}

/// Acknowledges what arrived here and learns when all devices go on.
Nanoseconds DeviceSession::agree_on_resume(Nanoseconds t_switch, const Arrivals& arrivals) {
    transport_->send_copy(DeviceId(0), comm::Tag::ack, pack(arrivals));
    if (conductor_) {
        std::vector<Arrivals> all;
        for (std::size_t d = 0; d < transport_->size(); ++d) {
            all.push_back(unpack_arrivals(transport_->receive_any_size(
                DeviceId(d), comm::Tag::ack, waiting("the acknowledgement of a migration")
            )));
        }
        const std::vector<std::byte> resume =
            ByteWriter().put(conductor_->resume_after(t_switch, all)).take();
        for (std::size_t d = 0; d < transport_->size(); ++d) {
            transport_->send_copy(DeviceId(d), comm::Tag::control, resume);
        }
    }
    const std::vector<std::byte> bytes = transport_->receive_any_size(
        DeviceId(0), comm::Tag::control, waiting("the end of a migration")
    );
    return ByteReader(bytes).get<Nanoseconds>();
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
