// Guarantees of the in-process fleet only: one device runs at a time, in a fixed order; a deadlock
// is detected at once; an error of one device ends all devices.
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "base/random.hpp"
#include "comm/inprocess/inprocess.hpp"

namespace headroom::comm {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

std::vector<std::byte> bytes_of_length(std::size_t bytes) {
    return std::vector<std::byte>(bytes, std::byte{5});
}

/// Returns the text of the error that ends a run of the body.
template <class Expected>
std::string error_of_run(std::size_t devices, const std::function<void(Transport&)>& body) {
    try {
        InprocessFleet(devices).run(body);
    } catch (const Expected& error) {
        return error.what();
    }
    return "no such error";
}

TEST(InprocessDeadlock, lists_all_waits) {
    const std::string text = error_of_run<StuckError>(4, [](Transport& transport) {
        transport.options().device_names = {"laptop", "phone", "tablet", "camera"};
        std::vector<std::byte> got(4);
        switch (transport.self().value) {
        case 0: {
            const WaitReason reason{.what = "normed_x", .layer = 3, .turn = 17};
            transport.receive_into(DeviceId(1), Tag::data, got, reason);
            break;
        }
        case 1:
            // The message is too large to be copied, so it waits for the receiver.
            transport.send(DeviceId(2), Tag::migration, bytes_of_length(5000), {.what = "a block"});
            break;
        case 2:
            transport.barrier({.what = "the end"});
            break;
        default:
            break;
        }
    });
    EXPECT_THAT(text, HasSubstr("deadlock"));
    EXPECT_THAT(
        text,
        HasSubstr("device 0 (laptop) waits to receive normed_x of layer 3, turn 17 from device 1 "
                  "(phone) (tag data)")
    );
    EXPECT_THAT(
        text,
        HasSubstr("device 1 (phone) waits to send a block to device 2 (tablet) (tag migration)")
    );
    EXPECT_THAT(text, HasSubstr("device 2 (tablet) waits to meet all devices: the end"));
    EXPECT_THAT(text, HasSubstr("already at their end: device 3"));
}

TEST(InprocessDeadlock, reaches_every_waiting_device) {
    int stuck = 0;
    InprocessFleet(3).run([&](Transport& transport) {
        std::vector<std::byte> got(4);
        const DeviceId next((transport.self().index() + 1) % 3);
        try {
            transport.receive_into(next, Tag::data, got, {.what = "a word"});
        } catch (const StuckError&) {
            ++stuck;
        }
    });
    EXPECT_EQ(stuck, 3);
}

TEST(InprocessDeadlock, is_none_while_somebody_sleeps) {
    InprocessFleet(2).run([](Transport& transport) {
        std::vector<std::byte> word(4);
        if (transport.self() == DeviceId(0)) {
            transport.receive_into(DeviceId(1), Tag::data, word, {.what = "a word"});
        } else {
            transport.idle_until(steady_clock::now() + milliseconds(30));
            transport.send(DeviceId(0), Tag::data, word, {.what = "a word"});
        }
    });
}

/// A log of actions. It needs no lock, because only one device runs at a time.
std::vector<std::string> log_of_run(std::uint64_t seed) {
    std::vector<std::string> log;
    InprocessFleet(5).run([&](Transport& transport) {
        const std::size_t self = transport.self().index();
        for (std::uint64_t round = 0; round < 30; ++round) {
            for (std::size_t to = 0; to < 5; ++to) {
                const auto bytes = random_below(stream_seed(seed, "size", self, to), round, 900);
                transport.send_copy(DeviceId(to), Tag::data, bytes_of_length(bytes));
                log.push_back(fmt::format("{} sends {} to {}", self, bytes, to));
            }
            for (std::size_t from = 0; from < 5; ++from) {
                const auto got = transport.receive_any_size(DeviceId(from), Tag::data, {});
                log.push_back(fmt::format("{} has {} from {}", self, got.size(), from));
            }
        }
        transport.finish_copies({});
    });
    return log;
}

/// The moment can come between the last check and the sleep.
TEST(InprocessSleep, ends_though_its_moment_passes_on_the_way_into_it) {
    InprocessFleet(2).run([](Transport& transport) {
        if (transport.self() == DeviceId(0)) {
            for (int i = 0; i < 20'000; ++i) {
                transport.idle_until(steady_clock::now() + std::chrono::nanoseconds(i % 2000));
            }
        }
        transport.barrier({.what = "the end"});
    });
}

TEST(InprocessOrder, is_the_same_every_time) {
    const std::vector<std::string> first = log_of_run(1);
    EXPECT_EQ(first.size(), 5U * 30U * 10U);
    EXPECT_EQ(first, log_of_run(1));
    EXPECT_NE(first, log_of_run(2)); // the comparison can fail
}

TEST(InprocessOrder, goes_round_by_id_and_only_at_waits) {
    std::string order;
    InprocessFleet(3).run([&](Transport& transport) {
        for (int round = 0; round < 2; ++round) {
            order += static_cast<char>('a' + transport.self().value);
            order += static_cast<char>('a' + transport.self().value);
            transport.barrier({});
        }
    });
    // The last device at the barrier continues at once, and then the others by id.
    EXPECT_EQ(order, "aabbccccaabb");
}

TEST(InprocessOrder, a_loop_around_ready_lets_the_sender_run) {
    InprocessFleet(2).run([](Transport& transport) {
        if (transport.self() == DeviceId(0)) {
            while (!transport.has_message(DeviceId(1), Tag::data)) {
            }
            EXPECT_EQ(transport.receive_any_size(DeviceId(1), Tag::data, {}).size(), 8U);
        } else {
            transport.send(DeviceId(0), Tag::data, bytes_of_length(8), {});
        }
    });
}

TEST(InprocessErrors, the_first_one_comes_out_and_the_others_are_stopped) {
    std::vector<std::string> followers;
    const auto body = [&](Transport& transport) {
        if (transport.self() == DeviceId(2)) {
            throw Bug("the root");
        }
        try {
            transport.barrier({.what = "all"});
        } catch (const StuckError& error) {
            followers.emplace_back(error.what());
            throw;
        }
    };
    EXPECT_EQ(error_of_run<Bug>(4, body), "the root");
    ASSERT_EQ(followers.size(), 2U); // device 3 never began
    for (const std::string& text : followers) {
        EXPECT_THAT(text, HasSubstr("device 2 failed"));
        EXPECT_THAT(text, HasSubstr("to meet all devices: all"));
    }
}

/// Otherwise the caller would take an interrupt for a failure.
TEST(InprocessErrors, an_interrupt_of_one_device_is_an_interrupt_for_all) {
    int interrupted = 0;
    const auto body = [&](Transport& transport) {
        try {
            if (transport.self() == DeviceId(1)) {
                throw InterruptedError(ExitCode::terminated);
            }
            transport.barrier({.what = "all"});
        } catch (const InterruptedError& error) {
            interrupted += error.code() == ExitCode::terminated ? 1 : 0;
            throw;
        }
    };
    EXPECT_EQ(error_of_run<InterruptedError>(3, body), "interrupted");
    EXPECT_EQ(interrupted, 2); // device 2 never began
}

TEST(InprocessErrors, stop_sleepers_and_devices_that_never_began) {
    const auto start = steady_clock::now();
    int began = 0;
    const auto body = [&](Transport& transport) {
        ++began;
        if (transport.self() == DeviceId(1)) {
            throw std::runtime_error("no");
        }
        transport.idle_until(start + std::chrono::seconds(20));
    };
    EXPECT_EQ(error_of_run<std::runtime_error>(3, body), "no");
    EXPECT_EQ(began, 2);
    EXPECT_LT(steady_clock::now() - start, std::chrono::seconds(10));
}

TEST(InprocessErrors, leave_sends_of_all_sizes_safely_behind) {
    const auto body = [](Transport& transport) {
        const std::vector<std::byte> large = bytes_of_length(100'000);
        const ConstPart part = large;
        PendingSend send = transport.start_send(DeviceId(1), Tag::data, {&part, 1});
        transport.send_copy(DeviceId(0), Tag::data, bytes_of_length(100'000));
        if (transport.self() == DeviceId(1)) {
            throw Bug("the root");
        }
        transport.barrier({});
    };
    EXPECT_EQ(error_of_run<Bug>(2, body), "the root");
}

TEST(InprocessErrors, a_dropped_send_is_never_read) {
    // Device 0 drops its send while an exception propagates, and then continues. The receiver must
    // not get the message, because its bytes are freed.
    const auto body = [](Transport& transport) {
        if (transport.self() == DeviceId(0)) {
            try {
                const std::vector<std::byte> large = bytes_of_length(100'000);
                const ConstPart part = large;
                const PendingSend send = transport.start_send(DeviceId(1), Tag::data, {&part, 1});
                throw std::runtime_error("changed its mind");
            } catch (const std::runtime_error&) {
            }
            transport.send(DeviceId(1), Tag::data, bytes_of_length(3), {});
        } else {
            EXPECT_EQ(transport.receive_any_size(DeviceId(0), Tag::data, {}).size(), 3U);
        }
    };
    InprocessFleet(2).run(body);
}

TEST(InprocessErrors, an_unknown_peer_is_a_bug) {
    InprocessFleet(2).run([](Transport& transport) {
        EXPECT_THROW(transport.send(DeviceId(2), Tag::data, {}, {}), Bug);
        EXPECT_THROW(static_cast<void>(transport.has_message(DeviceId{}, Tag::data)), Bug);
    });
    EXPECT_THROW(InprocessFleet(0), Bug);
}

TEST(InprocessInterrupt, explains_a_deadlock_that_it_caused) {
    // Device 0 has ended because of the interrupt. The device that waits for it is not stuck.
    const auto body = [](Transport& transport) {
        transport.options().interrupted = [] { return 130; };
        if (transport.self() == DeviceId(1)) {
            static_cast<void>(transport.receive_any_size(DeviceId(0), Tag::control, {}));
        }
    };
    EXPECT_EQ(error_of_run<InterruptedError>(2, body), "interrupted");
}

TEST(InprocessEager, small_sends_are_done_at_once_and_large_ones_when_taken) {
    InprocessFleet(2).run([](Transport& transport) {
        for (const std::size_t bytes : {kInprocessEagerBytes, kInprocessEagerBytes + 1}) {
            const std::vector<std::byte> content = bytes_of_length(bytes);
            const ConstPart part = content;
            if (transport.self() == DeviceId(0)) {
                PendingSend send = transport.start_send(DeviceId(1), Tag::data, {&part, 1});
                EXPECT_EQ(send.state()->done(), bytes == kInprocessEagerBytes);
                transport.wait(send, {});
            } else {
                EXPECT_EQ(transport.receive_any_size(DeviceId(0), Tag::data, {}), content);
            }
        }
    });
}

TEST(InprocessFleetSize, of_fifty_devices_works) {
    int sum = 0;
    InprocessFleet(50).run([&](Transport& transport) {
        transport.barrier({});
        sum += transport.self().value;
    });
    EXPECT_EQ(sum, 50 * 49 / 2);
}

} // namespace
} // namespace headroom::comm
