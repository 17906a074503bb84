#include "runtime/session/session.hpp"

#include <memory>
#include <utility>

#include "base/check.hpp"
#include "base/error.hpp"
#include "runtime/control/controller_host.hpp"
#include "runtime/control/serving_loop.hpp"
#include "runtime/device/control_messages.hpp"
#include "runtime/device/device_executor.hpp"
#include "runtime/setup/setup.hpp"

namespace headroom::runtime {

namespace {

/// One device for the length of a run. On the source it is the execution backend of the serving
/// loop; all other devices apply the source's messages. Rank 0 also hosts the controller.
class DeviceSession final : public ExecutionBackend {
  public:
    DeviceSession(const RunOptions& options, Setup setup, comm::Transport& transport);
    RunOutcome run();

    // ExecutionBackend, on the source:
    [[nodiscard]] Nanoseconds clock() const override { return executor_.clock(); }
    [[nodiscard]] bool idle_until(Nanoseconds time) override { return executor_.idle_until(time); }
    [[nodiscard]] bool has_end() const override { return executor_.has_end(); }
    void visit(const std::vector<StartedTurn>& turns) override;
    [[nodiscard]] std::vector<SampledToken> end(const std::vector<Turn>& batch) override;
    void sequence_begins(std::int64_t sequence) override;
    void sequence_ends(std::int64_t sequence) override;
    void free_slot(std::int32_t slot) override;
    [[nodiscard]] Command decide(const SourceFacts& facts) override;
    void install(const Installation& installation) override;
    void finish(std::int32_t exit_code) override;
    [[nodiscard]] std::int32_t interrupted() const override;
    [[nodiscard]] Nanoseconds elapsed_wall() const override { return executor_.elapsed_wall(); }

  private:
    [[nodiscard]] bool is_source() const { return self_ == source_; }
    [[nodiscard]] comm::WaitReason wait_reason(std::string_view what) const {
        return {what, -1, executor_.epoch(), -1};
    }
    template <class T>
    [[nodiscard]] T receive(DeviceId from, comm::Tag tag, std::string_view what) {
        return unpack<T>(transport_->receive_any_size(from, tag, wait_reason(what)));
    }
    void run_source();
    void run_follower();
    bool apply(const SourceMessage& message);
    void broadcast(SourceMessage message);
    void show(const TextEvent& event);
    void report_interval();
    void serve_controller();
    Command next_command(const SourceFacts& facts);
    void collect(bool all);
    Nanoseconds agree_on_resume(Nanoseconds t_switch, const Arrivals& arrivals);
    void close_trace(int exit_code);

    const RunOptions* options_;
    Setup setup_;
    comm::Transport* transport_;
    DeviceId self_;
    DeviceId source_;
    DeviceExecutor executor_;
    std::unique_ptr<ControllerHost> host_;
    std::vector<TextEvent> text_events_; ///< source: events since the last message
    int exit_code_ = 0;
};

DeviceSession::DeviceSession(const RunOptions& options, Setup setup, comm::Transport& transport)
    : options_(&options), setup_(std::move(setup)), transport_(&transport), self_(transport.self()),
      source_(options.scenario->fleet.source), executor_(options, setup_, transport) {
    if (self_ == DeviceId(0)) {
        host_ = std::make_unique<ControllerHost>(options, setup_, executor_.blocks());
    }
}

/// Rank 0: ends the trace, also after an error.
void DeviceSession::close_trace(int exit_code) {
    if (!host_) {
        return;
    }
    const comm::Transport::Excuse busy(*transport_);
    try {
        host_->end_trace(exit_code);
    } catch (const Error&) {
        if (exit_code == 0) {
            throw; // otherwise the first error is reported
        }
    }
}

RunOutcome DeviceSession::run() {
    try {
        if (is_source()) {
            run_source();
        } else {
            run_follower();
        }
        transport_->finish_copies(wait_reason("the last messages"));
    } catch (const Error& error) {
        close_trace(static_cast<int>(error.code()));
        throw;
    } catch (...) {
        close_trace(static_cast<int>(ExitCode::bug));
        throw;
    }
    close_trace(exit_code_);
    RunOutcome outcome = host_ ? host_->outcome() : RunOutcome{};
    outcome.exit_code = exit_code_;
    return outcome;
}

void DeviceSession::run_source() {
    ServingSettings settings =
        serving_settings(*options_->scenario, setup_.prompts, setup_.resume_point());
    MemoryModel memory_model(
        executor_.blocks(), setup_.buffers(executor_.blocks()), transport_->size()
    );
    exit_code_ = ServingLoop(std::move(settings), std::move(memory_model), *this).run();
}

void DeviceSession::run_follower() {
    while (apply(receive<SourceMessage>(source_, comm::Tag::control, "the source's next turn"))) {
    }
}

/// Executes what a message requests. Returns false if it ends the run.
bool DeviceSession::apply(const SourceMessage& message) {
    for (const TextEvent& event : message.text_events) {
        show(event);
    }
    switch (message.kind) {
    case SourceMessage::Kind::visit:
        executor_.visit(message.turns);
        return true;
    case SourceMessage::Kind::free_slot:
        executor_.free_slot(message.slot);
        return true;
    case SourceMessage::Kind::report_interval:
        report_interval();
        return true;
    case SourceMessage::Kind::install:
        executor_.install(message.installation, [&](const Arrivals& arrivals) {
            return agree_on_resume(message.installation.t_switch, arrivals);
        });
        return true;
    case SourceMessage::Kind::finish:
        exit_code_ = message.exit_code;
        return false;
    }
    HEADROOM_CHECK(false, "message {}", static_cast<int>(message.kind));
}

/// Source: sends a message to all other devices.
void DeviceSession::broadcast(SourceMessage message) {
    message.text_events = std::exchange(text_events_, {});
    const std::vector<std::byte> bytes = pack(message);
    for (std::size_t d = 0; d < transport_->size(); ++d) {
        if (DeviceId(d) != self_) {
            transport_->send_copy(DeviceId(d), comm::Tag::control, bytes);
        }
    }
}

/// Passes a change of a text to the observer: directly on rank 0, else with the next message.
void DeviceSession::show(const TextEvent& event) {
    if (host_) {
        const comm::Transport::Excuse busy(*transport_); // the reader of the output may be slow
        host_->show(event);
    } else if (is_source()) {
        text_events_.push_back(event);
    }
}

void DeviceSession::visit(const std::vector<StartedTurn>& turns) {
    SourceMessage message;
    for (const StartedTurn& started : turns) {
        message.turns.push_back(started.turn);
    }
    broadcast(message);
    executor_.visit(message.turns, turns);
}

std::vector<SampledToken> DeviceSession::end(const std::vector<Turn>& batch) {
    std::vector<SampledToken> tokens = executor_.end(batch);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        if (batch[i].samples) {
            tokens[i].ends_text = setup_.end_of_text >= 0 && tokens[i].id == setup_.end_of_text;
            show({batch[i].sequence, TextEvent::Kind::token, tokens[i].id});
        }
    }
    return tokens;
}

void DeviceSession::sequence_begins(std::int64_t sequence) {
    show({sequence, TextEvent::Kind::begin, -1});
}

void DeviceSession::sequence_ends(std::int64_t sequence) {
    show({sequence, TextEvent::Kind::end, -1});
}

void DeviceSession::free_slot(std::int32_t slot) {
    broadcast({.kind = SourceMessage::Kind::free_slot, .slot = slot});
    executor_.free_slot(slot);
}

Command DeviceSession::decide(const SourceFacts& facts) {
    broadcast({.kind = SourceMessage::Kind::report_interval});
    transport_->send_copy(DeviceId(0), comm::Tag::control, pack(facts));
    report_interval();
    return receive<Command>(DeviceId(0), comm::Tag::control, "the controller's next decision");
}

void DeviceSession::install(const Installation& installation) {
    broadcast({.kind = SourceMessage::Kind::install, .installation = installation});
    executor_.install(installation, [&](const Arrivals& arrivals) {
        return agree_on_resume(installation.t_switch, arrivals);
    });
}

void DeviceSession::finish(std::int32_t exit_code) {
    broadcast({.kind = SourceMessage::Kind::finish, .exit_code = exit_code});
}

std::int32_t DeviceSession::interrupted() const {
    return code_of(transport_->options().interrupted);
}

/// Sends this device's report. All devices do it between the same two messages of the source.
void DeviceSession::report_interval() {
    if (executor_.epoch() >= 0) { // nothing has happened before the first decision
        transport_->send_copy(DeviceId(0), comm::Tag::report, pack(executor_.report()));
    }
    if (host_) {
        serve_controller();
    }
}

/// Rank 0: closes the interval and sends the next command to the source. It waits for the reports
/// of all devices only if no turn is under way, because the other devices continue with their
/// turns.
void DeviceSession::serve_controller() {
    const auto facts =
        receive<SourceFacts>(source_, comm::Tag::control, "what the source did in an interval");
    host_->close_interval(facts);
    collect(facts.drained);
    transport_->send_copy(source_, comm::Tag::control, pack(next_command(facts)));
}

/// Returns the next command. Meanwhile this rank is excused, because a policy may search for long.
Command DeviceSession::next_command(const SourceFacts& facts) {
    const comm::Transport::Excuse busy(*transport_);
    return host_->next_command(facts);
}

void DeviceSession::collect(bool all) {
    while (const auto device = host_->next_reporter()) {
        if (!all && !transport_->has_message(*device, comm::Tag::report)) {
            return;
        }
        auto report = receive<Report>(*device, comm::Tag::report, "the report of an interval");
        const comm::Transport::Excuse busy(*transport_);
        host_->add_report(std::move(report));
    }
}

Nanoseconds DeviceSession::agree_on_resume(Nanoseconds t_switch, const Arrivals& arrivals) {
    transport_->send_copy(DeviceId(0), comm::Tag::ack, pack(arrivals));
    if (host_) {
        std::vector<Arrivals> all;
        for (std::size_t d = 0; d < transport_->size(); ++d) {
            all.push_back(
                receive<Arrivals>(DeviceId(d), comm::Tag::ack, "the acknowledgement of a migration")
            );
        }
        const std::vector<std::byte> resume = pack(host_->resume_after(t_switch, all));
        for (std::size_t d = 0; d < transport_->size(); ++d) {
            transport_->send_copy(DeviceId(d), comm::Tag::control, resume);
        }
    }
    return receive<Nanoseconds>(DeviceId(0), comm::Tag::control, "the end of a migration");
}

} // namespace

RunOutcome run_device(const RunOptions& options, comm::Transport& transport) {
    HEADROOM_CHECK(
        transport.size() == options.scenario->fleet.size(),
        "{} devices on a transport of {}",
        options.scenario->fleet.size(),
        transport.size()
    );
    Agreement agreement = agree_on_setup(options, transport);
    if (!agreement.setup) {
        return {agreement.exit_code, agreement.message, {}, 0, 0};
    }
    return DeviceSession(options, std::move(*agreement.setup), transport).run();
}

} // namespace headroom::runtime
