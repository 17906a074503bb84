// Every struct that the runtime sends arrives with all its fields.
#include "runtime/device/control_messages.hpp"
#include "runtime/messages/resume_point.hpp"
#include "runtime/setup/kernel_agreement.hpp"
#include "runtime/setup/model_copies.hpp"
#include "support/wire_check.hpp"

namespace headroom::runtime {
namespace {

template <class T>
class ControlMessages : public testing::Test {};

using AllMessages = testing::Types<
    Command,
    SourceMessage,
    Arrivals,
    SourceFacts,
    Report,
    ResumePoint,
    KernelOffer,
    ModelCopy,
    // Parts of the above, whose own lists are checked too.
    scheduler::Move,
    scheduler::OpRecord,
    scheduler::MessageRecord,
    ResumePoint::Unfinished,
    Recheck,
    Turn,
    TurnLog,
    OverloadRecord,
    ArrivedBlock,
    Installation,
    TextEvent,
    TurnFacts,
    TokenFacts,
    RequestFacts,
    WaitFacts,
    InFlightRequest>;
TYPED_TEST_SUITE(ControlMessages, AllMessages);

TYPED_TEST(ControlMessages, arrive_whole) {
    support::expect_that_it_travels_whole<TypeParam>();
}

} // namespace
} // namespace headroom::runtime
