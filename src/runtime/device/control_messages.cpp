#include "runtime/device/control_messages.hpp"

#include "runtime/messages/wire.hpp"

namespace headroom::runtime {

namespace {

template <class T>
std::span<const T> all(const std::vector<T>& values) {
    return {values.data(), values.size()};
}

} // namespace

std::vector<std::byte> pack(const Command& command) {
    return ByteWriter()
        .put(command.finish)
        .put(command.exit_code)
        .put(command.first)
        .put(command.changed)
        .put(command.epoch)
        .put(command.batch)
        .put_all(all(command.placement))
        .take();
}

Command unpack_command(std::span<const std::byte> bytes) {
    ByteReader reader(bytes);
    Command command;
    command.finish = reader.get<bool>();
    command.exit_code = reader.get<std::int32_t>();
    command.first = reader.get<bool>();
    command.changed = reader.get<bool>();
    command.epoch = reader.get<std::int64_t>();
    command.batch = reader.get<std::int64_t>();
    command.placement = reader.get_all<DeviceId>();
    return command;
}

std::vector<std::byte> pack(const SourceMessage& message) {
    return ByteWriter()
        .put(message.kind)
        .put(message.slot)
        .put(message.exit_code)
        .put_all(all(message.turns))
        .put_all(all(message.text_events))
        .put(message.installation.first)
        .put(message.installation.epoch)
        .put(message.installation.tokens_seen)
        .put(message.installation.batch)
        .put(message.installation.t_dec)
        .put(message.installation.t_switch)
        .put_all(all(message.installation.rows))
        .put_all(all(message.installation.placement))
        .take();
}

SourceMessage unpack_source_message(std::span<const std::byte> bytes) {
    ByteReader reader(bytes);
    SourceMessage message;
    message.kind = reader.get<SourceMessage::Kind>();
    message.slot = reader.get<std::int32_t>();
    message.exit_code = reader.get<std::int32_t>();
    message.turns = reader.get_all<Turn>();
    message.text_events = reader.get_all<TextEvent>();
    message.installation.first = reader.get<bool>();
    message.installation.epoch = reader.get<std::int64_t>();
    message.installation.tokens_seen = reader.get<std::int64_t>();
    message.installation.batch = reader.get<std::int64_t>();
    message.installation.t_dec = reader.get<Nanoseconds>();
    message.installation.t_switch = reader.get<Nanoseconds>();
    message.installation.rows = reader.get_all<std::int64_t>();
    message.installation.placement = reader.get_all<DeviceId>();
    return message;
}

std::vector<std::byte> pack(const Arrivals& arrivals) {
    return ByteWriter().put(arrivals.clock).put_all(all(arrivals.blocks)).take();
}

Arrivals unpack_arrivals(std::span<const std::byte> bytes) {
    ByteReader reader(bytes);
    Arrivals arrivals;
    arrivals.clock = reader.get<Nanoseconds>();
    arrivals.blocks = reader.get_all<ArrivedBlock>();
    return arrivals;
}

std::vector<std::byte> pack(const SourceFacts& facts) {
    return ByteWriter()
        .put(facts.clock)
        .put(facts.end)
        .put(facts.sampled)
        .put(facts.tokens_seen)
        .put(facts.stop)
        .put(facts.interrupt_code)
        .put(facts.drained)
        .put(facts.waiting)
        .put(facts.t_switch)
        .put(facts.elapsed_wall)
        .put_all(all(facts.turns))
        .put_all(all(facts.tokens))
        .put_all(all(facts.ended))
        .put_all(all(facts.waits))
        .put_all(all(facts.requests))
        .take();
}

SourceFacts unpack_source_facts(std::span<const std::byte> bytes) {
    ByteReader reader(bytes);
    SourceFacts facts;
    facts.clock = reader.get<Nanoseconds>();
    facts.end = reader.get<Nanoseconds>();
    facts.sampled = reader.get<std::int64_t>();
    facts.tokens_seen = reader.get<std::int64_t>();
    facts.stop = reader.get<StopReason>();
    facts.interrupt_code = reader.get<std::int32_t>();
    facts.drained = reader.get<bool>();
    facts.waiting = reader.get<std::int64_t>();
    facts.t_switch = reader.get<Nanoseconds>();
    facts.elapsed_wall = reader.get<Nanoseconds>();
    facts.turns = reader.get_all<TurnFacts>();
    facts.tokens = reader.get_all<TokenFacts>();
    facts.ended = reader.get_all<RequestFacts>();
    facts.waits = reader.get_all<WaitFacts>();
    facts.requests = reader.get_all<InFlightRequest>();
    return facts;
}

std::vector<std::byte> pack(const Report& report) {
    return ByteWriter()
        .put(report.clock)
        .put(report.held)
        .put(report.peak)
        .put(report.process_bytes)
        .put(report.lateness_max)
        .put_all(all(report.log.ops))
        .put_all(all(report.log.messages))
        .put_all(all(report.log.sent))
        .put_all(all(report.log.overloads))
        .put(report.log.paged)
        .put(report.log.busy)
        .take();
}

Report unpack_report(std::span<const std::byte> bytes) {
    ByteReader reader(bytes);
    Report report;
    report.clock = reader.get<Nanoseconds>();
    report.held = reader.get<Bytes>();
    report.peak = reader.get<Bytes>();
    report.process_bytes = reader.get<Bytes>();
    report.lateness_max = reader.get<Nanoseconds>();
    report.log.ops = reader.get_all<scheduler::OpRecord>();
    report.log.messages = reader.get_all<scheduler::MessageRecord>();
    report.log.sent = reader.get_all<Bytes>();
    report.log.overloads = reader.get_all<OverloadRecord>();
    report.log.paged = reader.get<Bytes>();
    report.log.busy = reader.get<Nanoseconds>();
    return report;
}

} // namespace headroom::runtime
