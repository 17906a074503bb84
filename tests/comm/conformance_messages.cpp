// Conformance: messages of any size and number of parts arrive completely and in order.
#include <array>
#include <cstring>

#include "base/checksum.hpp"
#include "base/random.hpp"
#include "conformance_support.hpp"

namespace headroom::comm::cases {

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

struct Numbered {
    std::int32_t from = 0;
    std::int32_t number = 0;
};

ConstPart bytes_of_value(const Numbered& value) {
    return std::as_bytes(std::span(&value, 1));
}

Numbered receive_numbered(Transport& transport, DeviceId from, Tag tag) {
    Numbered value;
    transport.receive_into(
        from, tag, std::as_writable_bytes(std::span(&value, 1)), {.what = "a number"}
    );
    return value;
}

void require_numbered(Transport& transport, DeviceId from, Tag tag, std::int32_t number) {
    const Numbered got = receive_numbered(transport, from, tag);
    require(
        transport,
        got.from == from.value && got.number == number,
        "expected message {} of device {}, got {} of {}",
        number,
        from.value,
        got.number,
        got.from
    );
}

/// Receives a message and compares it with pattern() of the stream.
void require_pattern(
    Transport& transport, DeviceId from, Tag tag, std::size_t bytes, std::uint64_t stream
) {
    ByteVector got(bytes);
    transport.receive_into(from, tag, got, {.what = "a pattern"});
    require(transport, got == pattern(bytes, stream), "{} bytes from {} differ", bytes, from.value);
}

} // namespace

void fifo_per_peer_and_tag(Transport& transport) {
    constexpr std::int32_t kMessages = 40;
    for (std::int32_t number = 0; number < kMessages; ++number) {
        for (const DeviceId to : all_devices(transport)) {
            const Numbered value{transport.self().value, number};
            const ConstPart bytes = bytes_of_value(value);
            transport.send_copy(to, Tag::data, {bytes.begin(), bytes.end()});
        }
    }
    for (const DeviceId from : all_devices(transport)) {
        for (std::int32_t number = 0; number < kMessages; ++number) {
            require_numbered(transport, from, Tag::data, number);
        }
    }
    transport.finish_copies({.what = "numbers"});
}

void tags_are_independent(Transport& transport) {
    const std::array<Tag, 4> tags = {Tag::data, Tag::control, Tag::migration, Tag::ack};
    std::array<Numbered, 4> values;
    std::vector<PendingSend> sends;
    for (std::size_t i = 0; i < tags.size(); ++i) {
        values[i] = {transport.self().value, static_cast<std::int32_t>(i)};
        const DeviceId to = next_device(transport);
        sends.push_back(start_one(transport, to, tags[i], bytes_of_value(values[i])));
    }
    for (std::size_t i = tags.size(); i-- > 0;) {
        const DeviceId from = previous_device(transport);
        require_numbered(transport, from, tags[i], static_cast<std::int32_t>(i));
    }
    wait_all(transport, sends);
}

void zero_length(Transport& transport) {
    const DeviceId to = next_device(transport);
    const DeviceId from = previous_device(transport);
    const Numbered value{transport.self().value, 7};
    const std::array<ConstPart, 2> empty_parts{};
    std::vector<PendingSend> sends;
    sends.push_back(transport.start_send(to, Tag::test, {}));
    sends.push_back(start_one(transport, to, Tag::test, bytes_of_value(value)));
    sends.push_back(transport.start_send(to, Tag::test, empty_parts));
    sends.push_back(transport.start_synchronous_send(to, Tag::test, {}));
    transport.receive_into(from, Tag::test, {}, {.what = "nothing"});
    require_numbered(transport, from, Tag::test, 7);
    transport.receive(from, Tag::test, {}, {.what = "nothing"});
    const ByteVector nothing = transport.receive_any_size(from, Tag::test, {.what = "nothing"});
    require(transport, nothing.empty(), "{} bytes came instead of none", nothing.size());
    wait_all(transport, sends);
}

void many_parts_and_one(Transport& transport) {
    const DeviceId to = next_device(transport);
    const DeviceId from = previous_device(transport);
    struct Shape {
        std::size_t bytes, sent_parts, received_parts;
    };
    for (const Shape& shape : {
             Shape{1000, 17, 1},
             Shape{1000, 1, 5},
             Shape{100'003, 17, 1},
             Shape{100'003, 1, 5},
             Shape{300'001, 9, 23},
         }) {
        ByteVector mine = pattern(shape.bytes, stream_of(transport.self(), to));
        PendingSend send = transport.start_send(
            to, Tag::data, const_parts(cut(mine, shape.sent_parts, shape.bytes))
        );
        ByteVector got(shape.bytes);
        const std::vector<Part> parts = cut(got, shape.received_parts, shape.bytes + 1);
        transport.receive(from, Tag::data, parts, {.what = "parts"});
        const bool same = got == pattern(shape.bytes, stream_of(from, transport.self()));
        require(
            transport,
            same,
            "{} bytes of {} parts into {} differ",
            shape.bytes,
            shape.sent_parts,
            shape.received_parts
        );
        transport.wait(send, {.what = "parts"});
    }
}

void large_messages(Transport& transport) {
    const DeviceId to = next_device(transport);
    const DeviceId from = previous_device(transport);
    const ByteVector mine = pattern(8 * kMiB, stream_of(transport.self(), to));
    PendingSend send = start_one(transport, to, Tag::weights, mine);
    require_pattern(transport, from, Tag::weights, 8 * kMiB, stream_of(from, transport.self()));
    transport.wait(send, {.what = "a large message"});
}

void self_send(Transport& transport) {
    const DeviceId self = transport.self();
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{4}, kMiB}) {
        const ByteVector mine = pattern(bytes, stream_of(self, self));
        PendingSend send = start_one(transport, self, Tag::data, mine);
        require_pattern(transport, self, Tag::data, bytes, stream_of(self, self));
        transport.wait(send, {.what = "a message to itself"});
    }
}

void many_pending(Transport& transport) {
    constexpr std::int32_t kMessages = 1000;
    std::vector<Numbered> values(kMessages);
    std::vector<PendingSend> sends;
    for (std::int32_t i = 0; i < kMessages; ++i) {
        Numbered& value = values[static_cast<std::size_t>(i)];
        value = {transport.self().value, i};
        const ConstPart part = bytes_of_value(value);
        // Half of them certainly stay pending until the receiver takes them.
        sends.push_back(
            i % 2 == 0
                ? transport.start_send(next_device(transport), Tag::data, {&part, 1})
                : transport.start_synchronous_send(next_device(transport), Tag::data, {&part, 1})
        );
    }
    for (std::int32_t i = 0; i < kMessages; ++i) {
        require_numbered(transport, previous_device(transport), Tag::data, i);
    }
    wait_all(transport, sends);
}

void both_directions_at_once(Transport& transport) {
    const DeviceId self = transport.self();
    std::vector<ByteVector> buffers;
    std::vector<PendingSend> sends;
    for (const DeviceId to : all_devices(transport)) {
        buffers.push_back(pattern(2 * kMiB, stream_of(self, to)));
        sends.push_back(start_one(transport, to, Tag::migration, buffers.back()));
    }
    for (const DeviceId from : all_devices(transport)) {
        require_pattern(transport, from, Tag::migration, 2 * kMiB, stream_of(from, self));
    }
    wait_all(transport, sends);
}

void ring_exchange(Transport& transport) {
    constexpr std::int32_t kLaps = 20;
    const bool first = transport.self() == DeviceId(0);
    for (std::int32_t lap = 0; lap < kLaps; ++lap) {
        Numbered token{0, lap * static_cast<std::int32_t>(transport.size())};
        if (!first) {
            token = receive_numbered(transport, previous_device(transport), Tag::data);
            ++token.number;
        }
        PendingSend send =
            start_one(transport, next_device(transport), Tag::data, bytes_of_value(token));
        if (first) {
            const auto devices = static_cast<std::int32_t>(transport.size());
            const Numbered back =
                receive_numbered(transport, previous_device(transport), Tag::data);
            require(
                transport,
                back.number == (lap + 1) * devices - 1,
                "lap {} ended with {}",
                lap,
                back.number
            );
        }
        transport.wait(send, {.what = "the token"});
    }
}

void any_size(Transport& transport) {
    const DeviceId self = transport.self();
    const DeviceId to = next_device(transport);
    const DeviceId from = previous_device(transport);
    for (const std::size_t bytes : {0U, 1U, 4095U, 4096U, 4097U, 100'000U}) {
        const ByteVector mine = pattern(bytes, stream_of(self, to));
        PendingSend send = start_one(transport, to, Tag::control, mine);
        const ByteVector got = transport.receive_any_size(from, Tag::control, {.what = "bytes"});
        require(transport, got == pattern(bytes, stream_of(from, self)), "{} bytes differ", bytes);
        transport.wait(send, {.what = "bytes"});
    }
}

void copies_are_kept(Transport& transport) {
    const DeviceId self = transport.self();
    for (std::uint64_t k = 0; k < 100; ++k) {
        const DeviceId to = next_device(transport);
        transport.send_copy(to, Tag::report, pattern(100 * k, stream_of(self, to, k)));
    }
    for (std::uint64_t k = 0; k < 100; ++k) {
        const DeviceId from = previous_device(transport);
        require_pattern(transport, from, Tag::report, 100 * k, stream_of(from, self, k));
    }
    transport.finish_copies({.what = "copies"});
}

namespace {

constexpr std::uint64_t kStressMessages = 60;

struct Stress {
    Tag tag = Tag::data;
    std::size_t bytes = 0;
    std::size_t parts = 1;
};

/// Returns the k-th message between two devices, which both derive from the seed.
Stress stress_message(DeviceId from, DeviceId to, std::uint64_t k) {
    const std::array<Tag, 3> tags = {Tag::data, Tag::control, Tag::migration};
    Random random(stream_of(from, to, 1000 + k));
    const std::uint64_t limit = random.below(10) == 0 ? 200'000 : 6'000;
    return {tags[random.below(3)], random.below(limit), 1 + random.below(6)};
}

void receive_stress(Transport& transport, DeviceId from, Tag tag) {
    const DeviceId self = transport.self();
    for (std::uint64_t k = 0; k < kStressMessages; ++k) {
        const Stress message = stress_message(from, self, k);
        if (message.tag != tag) {
            continue;
        }
        ByteVector got(message.bytes);
        transport.receive(from, tag, cut(got, 1 + k % 4, k), {.what = "stress"});
        const auto expected = checksum(pattern(message.bytes, stream_of(from, self, k)));
        require(
            transport,
            checksum(got) == expected,
            "message {} of device {} ({} bytes) differs",
            k,
            from.value,
            message.bytes
        );
    }
}

} // namespace

void all_to_all_stress(Transport& transport) {
    const DeviceId self = transport.self();
    std::vector<ByteVector> buffers;
    std::vector<PendingSend> sends;
    for (std::uint64_t k = 0; k < kStressMessages; ++k) {
        for (const DeviceId to : all_devices(transport)) {
            const Stress message = stress_message(self, to, k);
            buffers.push_back(pattern(message.bytes, stream_of(self, to, k)));
            const auto parts = const_parts(cut(buffers.back(), message.parts, k));
            sends.push_back(
                k % 5 == 4 ? transport.start_synchronous_send(to, message.tag, parts)
                           : transport.start_send(to, message.tag, parts)
            );
        }
    }
    for (const Tag tag : {Tag::migration, Tag::data, Tag::control}) {
        for (const DeviceId from : all_devices(transport)) {
            receive_stress(transport, from, tag);
        }
    }
    wait_all(transport, sends);
}

} // namespace headroom::comm::cases
