// Which ranks are asked, which are silent, and what does not count as silence. Tests pass the time.
#include <chrono>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "comm/liveness.hpp"

namespace headroom::comm {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

/// A monitor that is called four times a second, as by the thread of a rank.
class Watched {
  public:
    explicit Watched(const std::vector<int>& ranks) {
        static_cast<void>(monitor.ranks_to_ask(now_));
        monitor.begin_wait(ranks, seconds(30));
    }

    /// Returns the ranks that it asks meanwhile.
    std::vector<int> pass(seconds time, bool answered = false, bool moving = false) {
        std::vector<int> asked;
        for (const auto end = now_ + time; now_ < end;) {
            now_ += milliseconds(250);
            for (const int rank : monitor.ranks_to_ask(now_)) {
                asked.push_back(rank);
                if (answered) {
                    progress_ += moving ? 1 : 0;
                    monitor.record_answer(rank, {progress_, false});
                }
            }
        }
        return asked;
    }

    void jump(seconds time) { now_ += time; }

    LivenessMonitor monitor;

  private:
    std::chrono::steady_clock::time_point now_{seconds(1000)};
    std::int64_t progress_ = 0;
};

TEST(LivenessMonitor, asks_after_a_third_and_finds_the_silent_at_the_end) {
    Watched watched({2});
    EXPECT_THAT(watched.pass(seconds(9)), IsEmpty());
    EXPECT_THAT(watched.pass(seconds(2)), ElementsAre(2));
    EXPECT_THAT(watched.pass(seconds(18)), IsEmpty()) << "it owes an answer already";
    EXPECT_THAT(watched.monitor.silent_ranks(), IsEmpty());
    watched.pass(seconds(1));
    EXPECT_THAT(watched.monitor.silent_ranks(), ElementsAre(2));
}

TEST(LivenessMonitor, lets_the_living_take_as_long_as_they_like) {
    Watched watched({2});
    EXPECT_GT(watched.pass(seconds(3600), true, true).size(), 100U);
    EXPECT_THAT(watched.monitor.silent_ranks(), IsEmpty());
}

TEST(LivenessMonitor, is_not_content_with_answers_of_one_that_does_not_move) {
    Watched watched({2});
    watched.pass(seconds(39), true, false);
    EXPECT_THAT(watched.monitor.silent_ranks(), IsEmpty())
        << "30 s after the first answer, not before";
    watched.pass(seconds(2), true, false);
    EXPECT_THAT(watched.monitor.silent_ranks(), ElementsAre(2));
}

TEST(LivenessMonitor, does_not_count_the_time_in_which_it_did_not_run_itself) {
    Watched watched({2});
    watched.pass(seconds(29));
    watched.jump(seconds(100'000)); // stopped for a night
    EXPECT_THAT(watched.pass(seconds(29)), IsEmpty());
    EXPECT_THAT(watched.monitor.silent_ranks(), IsEmpty()) << "the count began anew";
    watched.pass(seconds(2));
    EXPECT_THAT(watched.monitor.silent_ranks(), ElementsAre(2));
}

TEST(LivenessMonitor, names_only_those_that_are_silent) {
    Watched watched({1, 2, 3});
    watched.pass(seconds(11));
    watched.monitor.record_answer(1, {7, false});
    watched.monitor.record_answer(3, {7, false});
    watched.pass(seconds(20));
    EXPECT_THAT(watched.monitor.silent_ranks(), ElementsAre(2));
}

TEST(LivenessMonitor, begins_anew_with_every_wait) {
    Watched watched({2});
    watched.pass(seconds(29));
    watched.monitor.begin_wait({2}, seconds(30));
    watched.pass(seconds(29));
    EXPECT_THAT(watched.monitor.silent_ranks(), IsEmpty());
    watched.monitor.end_wait();
    EXPECT_THAT(watched.pass(seconds(60)), IsEmpty());
    EXPECT_THAT(watched.monitor.silent_ranks(), IsEmpty());
}

TEST(LivenessMonitor, asks_nobody_where_nobody_is_ever_silent) {
    Watched watched({2});
    watched.monitor.begin_wait({2}, seconds(0));
    EXPECT_THAT(watched.pass(seconds(3600)), IsEmpty());
    EXPECT_THAT(watched.monitor.silent_ranks(), IsEmpty());
}

TEST(LivenessMonitor, knows_who_is_excused_until_told_otherwise) {
    Watched watched({2});
    watched.monitor.record_answer(2, {1, true});
    EXPECT_TRUE(watched.monitor.any_excused());
    watched.pass(seconds(20));
    watched.monitor.record_answer(2, {1, true});
    watched.pass(seconds(20));
    EXPECT_THAT(watched.monitor.silent_ranks(), IsEmpty()) << "excused, it need not move";
    watched.monitor.record_answer(2, {1, false});
    EXPECT_FALSE(watched.monitor.any_excused());
}

} // namespace
} // namespace headroom::comm
