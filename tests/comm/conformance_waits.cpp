// Conformance: how waits end. Readiness, synchronous sends, barriers, interrupts, idling.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>
#include <sys/resource.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "conformance_support.hpp"

namespace headroom::comm::cases {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using SteadyTime = steady_clock::time_point;

/// Returns a moment as bytes. All devices of a test run on one host, so they have the same clock.
ByteVector moment_bytes(SteadyTime moment) {
    const auto count = moment.time_since_epoch().count();
    ByteVector bytes(sizeof(count));
    std::memcpy(bytes.data(), &count, sizeof(count));
    return bytes;
}

SteadyTime receive_moment(Transport& transport, DeviceId from) {
    SteadyTime::rep count = 0;
    const Part part = std::as_writable_bytes(std::span(&count, 1));
    transport.receive_into(from, Tag::test, part, {.what = "a moment"});
    return SteadyTime(SteadyTime::duration(count));
}

std::chrono::microseconds cpu_time_used() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto micros = [](const timeval& time) {
        return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
    };
    return micros(usage.ru_utime) + micros(usage.ru_stime);
}

} // namespace

void ready_tells_what_is_there(Transport& transport) {
    const DeviceId from = previous_device(transport);
    require(transport, !transport.has_message(from, Tag::ack), "ready although nothing was sent");
    transport.barrier({.what = "ready, before"});
    transport.send_copy(next_device(transport), Tag::ack, pattern(10, 1));
    const SteadyTime give_up = steady_clock::now() + std::chrono::seconds(5);
    while (!transport.has_message(from, Tag::ack)) {
        require(transport, steady_clock::now() < give_up, "not ready after 5 s");
        transport.idle_until(steady_clock::now() + milliseconds(1));
    }
    require(transport, !transport.has_message(from, Tag::report), "ready with another tag");
    require(transport, transport.has_message(from, Tag::ack), "asking took the message away");
    ByteVector got(10);
    transport.receive_into(from, Tag::ack, got, {.what = "ten bytes"});
    require(transport, got == pattern(10, 1), "another message came");
    transport.barrier({.what = "ready, after"});
    require(transport, !transport.has_message(from, Tag::ack), "still ready after the receive");
    transport.finish_copies({.what = "ten bytes"});
}

void synchronous_send_waits_for_taker(Transport& transport) {
    const DeviceId to = next_device(transport);
    for (const std::size_t bytes : {std::size_t{8}, std::size_t{100'000}}) {
        const ByteVector mine = pattern(bytes, bytes);
        const ConstPart part = mine;
        PendingSend send = transport.start_synchronous_send(to, Tag::migration, {&part, 1});
        transport.idle_until(steady_clock::now() + milliseconds(10));
        require(
            transport, !send.state()->done(), "{} bytes are done before anybody took them", bytes
        );
        transport.barrier({.what = "nobody has received yet"});
        ByteVector got(bytes);
        transport.receive_into(
            previous_device(transport), Tag::migration, got, {.what = "synchronous bytes"}
        );
        require(transport, got == mine, "{} synchronous bytes differ", bytes);
        transport.wait(send, {.what = "synchronous bytes"});
        require(transport, !send.active(), "a send that was waited for is still active");
    }
}

void barrier_waits_for_the_last(Transport& transport) {
    for (const DeviceId late : all_devices(transport)) {
        if (transport.self() == late) {
            transport.idle_until(steady_clock::now() + milliseconds(10));
            for (const DeviceId to : all_devices(transport)) {
                transport.send_copy(to, Tag::test, moment_bytes(steady_clock::now()));
            }
        }
        transport.barrier({.what = "the late device"});
        const SteadyTime left = steady_clock::now();
        const SteadyTime entered = receive_moment(transport, late);
        require(transport, left >= entered, "left the barrier before device {}", late.value);
    }
    transport.finish_copies({.what = "moments"});
}

void wait_that_never_ends_names_both(Transport& transport) {
    const OptionsForNow restore(transport);
    transport.options().deadline = milliseconds(150);
    transport.options().device_names = {"laptop", "phone", "tablet", "camera"};
    if (transport.self() != DeviceId(0)) {
        transport.idle_until(steady_clock::now() + milliseconds(300));
        return;
    }
    const DeviceId from = next_device(transport);
    std::string text = "no StuckError";
    try {
        ByteVector got(4);
        transport.receive_into(
            from, Tag::data, got, {.what = "normed_x", .layer = 3, .epoch = 2, .turn = 17}
        );
    } catch (const StuckError& error) {
        text = error.what();
    }
    const std::string peer = transport.size() == 1 ? "device 0 (laptop)" : "device 1 (phone)";
    for (const std::string& part : {
             std::string("device 0 (laptop)"),
             "to receive normed_x of layer 3, epoch 2, turn 17 from " + peer,
             std::string("(tag data)"),
         }) {
        require(transport, text.find(part) != std::string::npos, "no {} in: {}", part, text);
    }
}

void interrupt_ends_waits(Transport& transport) {
    const OptionsForNow restore(transport);
    transport.options().grace = milliseconds(60);
    transport.options().interrupted = [] { return 143; };
    const SteadyTime start = steady_clock::now();
    try {
        if (transport.self().value % 2 == 0) {
            ByteVector got(4);
            transport.receive_into(next_device(transport), Tag::ack, got, {.what = "nothing"});
        } else {
            transport.idle_until(start + milliseconds(1500));
        }
    } catch (const InterruptedError& error) {
        const auto waited = steady_clock::now() - start;
        require(transport, error.code() == ExitCode::terminated, "another code than asked for");
        // A single device that waits for itself is stuck at once, without the grace time.
        require(
            transport,
            transport.size() == 1 || waited >= milliseconds(60),
            "gave up before the grace time"
        );
        return;
    }
    require(transport, false, "the wait ended without InterruptedError");
}

void wrong_length_is_a_bug(Transport& transport) {
    const DeviceId to = next_device(transport);
    const DeviceId from = previous_device(transport);
    struct Lengths {
        std::size_t sent, expected;
        bool bug;
    };
    for (const Lengths& lengths : {
             Lengths{100, 60, true},
             Lengths{60, 100, true},
             Lengths{200'000, 100, true},
             Lengths{100, 200'000, true},
             Lengths{64, 64, false},
         }) {
        const ByteVector mine = pattern(lengths.sent, 3);
        PendingSend send = start_one(transport, to, Tag::data, mine);
        bool bug = false;
        try {
            ByteVector got(lengths.expected);
            transport.receive_into(from, Tag::data, got, {.what = "bytes"});
        } catch (const Bug&) {
            bug = true;
        }
        require(
            transport,
            bug == lengths.bug,
            "{} bytes into {}: {}",
            lengths.sent,
            lengths.expected,
            bug ? "refused" : "accepted"
        );
        transport.wait(send, {.what = "bytes"});
    }
}

void idle_is_precise(Transport& transport) {
    auto best = steady_clock::duration::max();
    for (int i = 0; i < 12; ++i) {
        const SteadyTime moment = steady_clock::now() + milliseconds(3);
        transport.idle_until(moment);
        const SteadyTime now = steady_clock::now();
        require(transport, now >= moment, "woke up too early");
        best = std::min(best, now - moment);
    }
    // About 60 us on an idle host. On a busy host single sleeps can take much longer.
    require(
        transport,
        best < milliseconds(1),
        "at best {} us late",
        std::chrono::duration_cast<std::chrono::microseconds>(best).count()
    );
}

void idle_burns_no_core(Transport& transport) {
    transport.barrier({.what = "everybody goes idle"});
    const auto before = cpu_time_used();
    transport.idle_until(steady_clock::now() + milliseconds(200));
    const auto used = cpu_time_used() - before;
    require(transport, used < milliseconds(40), "{} us of 200 ms in use", used.count());
    transport.barrier({.what = "everybody was idle"});
}

void idle_lets_transfers_go_on(Transport& transport) {
    constexpr std::size_t kBytes = std::size_t{1} << 20;
    const ByteVector content = pattern(kBytes, 9);
    if (transport.size() == 1 || transport.self() > DeviceId(1)) {
        return;
    }
    if (transport.self() == DeviceId(0)) {
        PendingSend send = start_one(transport, DeviceId(1), Tag::weights, content);
        transport.idle_until(steady_clock::now() + milliseconds(300));
        transport.send_copy(DeviceId(1), Tag::test, moment_bytes(steady_clock::now()));
        transport.wait(send, {.what = "bytes"});
        transport.finish_copies({.what = "a moment"});
        return;
    }
    ByteVector got(kBytes);
    transport.receive_into(DeviceId(0), Tag::weights, got, {.what = "bytes"});
    const SteadyTime arrived = steady_clock::now();
    require(transport, got == content, "the bytes differ");
    require(
        transport,
        arrived < receive_moment(transport, DeviceId(0)),
        "the bytes came only when their sender woke up"
    );
}

} // namespace headroom::comm::cases
