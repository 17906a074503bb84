// The first message of a job arrives whole; its front can be read by another version.
#include "../support/wire_check.hpp"
#include "cli/launch/rank_handshake.hpp"

namespace headroom::cli {
namespace {

TEST(RankInfo, arrives_whole_and_begins_with_program_and_host) {
    support::expect_that_it_travels_whole<RankInfo>();
    const RankInfo sent = support::filled<RankInfo>();
    const auto front = unpack_front<std::pair<std::string, std::string>>(pack(sent));
    EXPECT_EQ(front.first, sent.program);
    EXPECT_EQ(front.second, sent.host);
}

} // namespace
} // namespace headroom::cli
