// Who is asked, who is silent, and what does not count as silence. Time is handed in.
#include <chrono>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "comm/vigil.hpp"

namespace headroom::comm {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

/// A vigil that is looked at four times a second, as the thread of a rank does.
class Watched {
  public:
    explicit Watched(const std::vector<int>& ranks) {
        static_cast<void>(vigil.look(now_));
        vigil.begin(ranks, seconds(30));
    }

    /// Whom it asks meanwhile.
    std::vector<int> pass(seconds time, bool answered = false, bool moving = false) {
        std::vector<int> asked;
        for (const auto end = now_ + time; now_ < end;) {
            now_ += milliseconds(250);
            for (const int rank : vigil.look(now_)) {
                asked.push_back(rank);
                if (answered) {
                    moved_ += moving ? 1 : 0;
                    vigil.hear(rank, {moved_, false});
                }
            }
        }
        return asked;
    }

    void jump(seconds time) { now_ += time; }

    Vigil vigil;

  private:
    std::chrono::steady_clock::time_point now_{seconds(1000)};
    std::int64_t moved_ = 0;
};

TEST(Vigil, asks_after_a_third_and_finds_the_silent_at_the_end) {
    Watched watched({2});
    EXPECT_THAT(watched.pass(seconds(9)), IsEmpty());
    EXPECT_THAT(watched.pass(seconds(2)), ElementsAre(2));
    EXPECT_THAT(watched.pass(seconds(18)), IsEmpty()) << "it owes an answer already";
    EXPECT_THAT(watched.vigil.silent(), IsEmpty());
    watched.pass(seconds(1));
    EXPECT_THAT(watched.vigil.silent(), ElementsAre(2));
}

TEST(Vigil, lets_the_living_take_as_long_as_they_like) {
    Watched watched({2});
    EXPECT_GT(watched.pass(seconds(3600), true, true).size(), 100U);
    EXPECT_THAT(watched.vigil.silent(), IsEmpty());
}

TEST(Vigil, is_not_content_with_answers_of_one_that_does_not_move) {
    Watched watched({2});
    watched.pass(seconds(39), true, false);
    EXPECT_THAT(watched.vigil.silent(), IsEmpty()) << "30 s after the first answer, not before";
    watched.pass(seconds(2), true, false);
    EXPECT_THAT(watched.vigil.silent(), ElementsAre(2));
}

TEST(Vigil, does_not_count_the_time_in_which_it_did_not_run_itself) {
    Watched watched({2});
    watched.pass(seconds(29));
    watched.jump(seconds(100'000)); // Ctrl-Z, a night
    EXPECT_THAT(watched.pass(seconds(29)), IsEmpty());
    EXPECT_THAT(watched.vigil.silent(), IsEmpty()) << "the count began anew";
    watched.pass(seconds(2));
    EXPECT_THAT(watched.vigil.silent(), ElementsAre(2));
}

TEST(Vigil, names_only_those_that_are_silent) {
    Watched watched({1, 2, 3});
    watched.pass(seconds(11));
    watched.vigil.hear(1, {7, false});
    watched.vigil.hear(3, {7, false});
    watched.pass(seconds(20));
    EXPECT_THAT(watched.vigil.silent(), ElementsAre(2));
}

TEST(Vigil, begins_anew_with_every_wait) {
    Watched watched({2});
    watched.pass(seconds(29));
    watched.vigil.begin({2}, seconds(30));
    watched.pass(seconds(29));
    EXPECT_THAT(watched.vigil.silent(), IsEmpty());
    watched.vigil.end();
    EXPECT_THAT(watched.pass(seconds(60)), IsEmpty());
    EXPECT_THAT(watched.vigil.silent(), IsEmpty());
}

TEST(Vigil, asks_nobody_where_nobody_is_ever_silent) {
    Watched watched({2});
    watched.vigil.begin({2}, seconds(0));
    EXPECT_THAT(watched.pass(seconds(3600)), IsEmpty());
    EXPECT_THAT(watched.vigil.silent(), IsEmpty());
}

TEST(Vigil, knows_who_is_excused_until_told_otherwise) {
    Watched watched({2});
    watched.vigil.hear(2, {1, true});
    EXPECT_TRUE(watched.vigil.excused());
    watched.pass(seconds(20));
    watched.vigil.hear(2, {1, true});
    watched.pass(seconds(20));
    EXPECT_THAT(watched.vigil.silent(), IsEmpty()) << "excused, it need not move";
    watched.vigil.hear(2, {1, false});
    EXPECT_FALSE(watched.vigil.excused());
}

} // namespace
} // namespace headroom::comm
