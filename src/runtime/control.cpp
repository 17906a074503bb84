#include "runtime/control.hpp"

#include "runtime/wire.hpp"

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
        .put(command.begins)
        .put(command.moved)
        .put(command.epoch)
        .put(command.sequence)
        .put(command.sampled)
        .put(command.rows)
        .put(command.t_switch)
        .put_all(all(command.placement))
        .take();
}

Command unpack_command(std::span<const std::byte> bytes) {
    ByteReader reader(bytes);
    Command command;
    command.finish = reader.get<bool>();
    command.exit_code = reader.get<std::int32_t>();
    command.first = reader.get<bool>();
    command.begins = reader.get<bool>();
    command.moved = reader.get<bool>();
    command.epoch = reader.get<std::int64_t>();
    command.sequence = reader.get<std::int64_t>();
    command.sampled = reader.get<std::int64_t>();
    command.rows = reader.get<std::int64_t>();
    command.t_switch = reader.get<Nanoseconds>();
    command.placement = reader.get_all<DeviceId>();
    return command;
}

std::vector<std::byte> pack(const std::vector<Arrived>& arrived) {
    return ByteWriter().put_all(all(arrived)).take();
}

std::vector<Arrived> unpack_arrived(std::span<const std::byte> bytes) {
    return ByteReader(bytes).get_all<Arrived>();
}

std::vector<std::byte> pack(const Report& report) {
    return ByteWriter()
        .put(report.clock)
        .put(report.held)
        .put(report.peak)
        .put(report.process_bytes)
        .put(report.lateness_max)
        .put(report.elapsed_wall)
        .put(report.stop)
        .put(report.interrupt_code)
        .put_all(all(report.sampled))
        .put_all(all(report.log.ops))
        .put_all(all(report.log.messages))
        .put_all(all(report.log.sent))
        .put_all(all(report.log.overloads))
        .put(report.log.paged)
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
    report.elapsed_wall = reader.get<Nanoseconds>();
    report.stop = reader.get<Stop>();
    report.interrupt_code = reader.get<std::int32_t>();
    report.sampled = reader.get_all<SampledNote>();
    report.log.ops = reader.get_all<TurnOp>();
    report.log.messages = reader.get_all<TurnMessage>();
    report.log.sent = reader.get_all<Bytes>();
    report.log.overloads = reader.get_all<OverloadRecord>();
    report.log.paged = reader.get<Bytes>();
    return report;
}

} // namespace headroom::runtime
