// The texts of errors, and sends that are dropped without a wait.
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.hpp"
#include "broken_transports.hpp"
#include "comm/inprocess/inprocess.hpp"

namespace headroom::comm {
namespace {

using testing::HasSubstr;

/// Makes the protected functions public.
class Speaking final : public ForwardingTransport {
  public:
    using ForwardingTransport::ForwardingTransport;
    using Transport::check_length;
    using Transport::stuck_text;
};

TEST(Deadline, grows_with_what_there_is_to_wait_for) {
    EXPECT_EQ(deadline_for(0, 0), std::chrono::seconds(120));
    EXPECT_EQ(deadline_for(1, 0), Transport::Options().deadline);
    EXPECT_EQ(deadline_for(150, 0), std::chrono::seconds(150 * 120)); // 300 devices, 2 cores
    EXPECT_EQ(deadline_for(1, 40'000'000'000), std::chrono::seconds(120 + 2000));
}

TEST(WaitingText, leaves_out_what_is_not_known) {
    EXPECT_EQ(
        to_string(WaitReason{.what = "x", .layer = 3, .epoch = 2, .turn = 17}),
        " of layer 3, epoch 2, turn 17"
    );
    EXPECT_EQ(to_string(WaitReason{.what = "x", .epoch = 0}), " of epoch 0");
    EXPECT_EQ(to_string(WaitReason{}), "");
}

TEST(StuckText, names_both_devices_the_message_and_where_to_look) {
    InprocessFleet(3).run([](Transport& transport) {
        Speaking speaking(transport);
        speaking.options().device_names = {"laptop", "phone-a", "phone-b"};
        if (transport.self() != DeviceId(2)) {
            return;
        }
        EXPECT_EQ(
            speaking.stuck_text(
                {"receive",
                 DeviceId(0),
                 Tag::data,
                 {.what = "normed_x", .layer = 3, .epoch = 2, .turn = 17}}
            ),
            "device 2 (phone-b) has waited 120 s to receive normed_x of layer 3, epoch 2, turn 17 "
            "from device 0 (laptop) (tag data); device 0 may be the one that failed: look at its "
            "messages first"
        );
        EXPECT_EQ(
            speaking.stuck_text({"send", DeviceId(1), Tag::migration, {.what = "a block"}}),
            "device 2 (phone-b) has waited 120 s to send a block to device 1 (phone-a) (tag "
            "migration); device 1 may be the one that failed: look at its messages first"
        );
        EXPECT_EQ(
            speaking.stuck_text({"meet", DeviceId{}, Tag::control, {.what = "the start"}}),
            "device 2 (phone-b) has waited 120 s to meet all devices: the start; one of them may "
            "have failed: look at their messages first"
        );
    });
}

TEST(LengthCheck, refuses_a_byte_more_or_less_and_says_of_what) {
    InprocessFleet(1).run([](Transport& transport) {
        const Speaking speaking(transport);
        const WaitReason reason{.what = "normed_x", .layer = 1};
        const WaitTarget target{"receive", DeviceId(0), Tag::data, reason};
        EXPECT_NO_THROW(speaking.check_length(target, 8, 8));
        EXPECT_THROW(speaking.check_length(target, 8, 7), Bug);
        try {
            speaking.check_length(target, 8, 9);
            FAIL() << "accepted a byte more";
        } catch (const Bug& bug) {
            EXPECT_THAT(bug.what(), HasSubstr("normed_x of layer 1 from device 0"));
            EXPECT_THAT(bug.what(), HasSubstr("expected 8 bytes, the message has 9"));
        }
    });
}

TEST(TagNames, are_all_different) {
    EXPECT_EQ(name_of(Tag::data), "data");
    EXPECT_EQ(name_of(static_cast<Tag>(99)), "unknown");
}

struct NeverDone final : PendingSend::State {
    explicit NeverDone(bool given_up) : given_up_(given_up) {}
    bool done() override { return false; }
    [[nodiscard]] bool abandoned() const override { return given_up_; }
    bool given_up_;
};

PendingSend unfinished(bool given_up = false) {
    auto state = std::make_unique<NeverDone>(given_up);
    state->to = DeviceId(3);
    state->tag = Tag::migration;
    state->bytes = 77;
    return PendingSend(std::move(state));
}

TEST(PendingSendDeathTest, aborts_when_dropped_unfinished) {
    testing::FLAGS_gtest_death_test_style = "threadsafe";
    const char* const words = "77 bytes to device 3 \\(tag migration\\) was dropped";
    EXPECT_DEATH({ const PendingSend send = unfinished(); }, words);
    EXPECT_DEATH(
        {
            PendingSend send = unfinished();
            send = PendingSend{};
        },
        words
    );
}

TEST(PendingSendDeath, is_silent_while_unwinding_and_after_failure) {
    try {
        const PendingSend send = unfinished();
        throw std::runtime_error("something else");
    } catch (const std::runtime_error&) {
    }
    const PendingSend abandoned = unfinished(true);
    PendingSend released = unfinished();
    released.release();
    EXPECT_FALSE(released.active());
}

TEST(PendingSend, can_be_moved) {
    PendingSend first = unfinished();
    PendingSend second = std::move(first);
    EXPECT_TRUE(second.active());
    first = std::move(second);
    EXPECT_TRUE(first.active());
    first.release();
}

} // namespace
} // namespace headroom::comm
