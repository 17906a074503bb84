// RoundSimulator, which executes all devices in one order, equals the timeline, in which every
// device has its own schedule and waits for messages.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "scheduler/timing/round_plan.hpp"
#include "scheduler/timing/round_simulation.hpp"
#include "scheduler/timing/timeline.hpp"
#include "tests/scheduler/instances/fleets.hpp"

namespace headroom::scheduler {
namespace {

/// Properties that some of the random problems must have.
struct Seen {
    int joined = 0;
    int together = 0;
    int single_visits = 0;
    int prompts = 0;
    int endless = 0;
    int capped = 0;
    int shared = 0;
    int typed = 0;
};

/// Random programs at the rates of a snapshot, with turns that decode or process chunks of prompts.
class Rounds {
  public:
    /// Every second fleet has costs of real devices.
    explicit Rounds(std::uint64_t seed)
        : random_(stream_seed(seed, "round walk")), shape_(testing::fine_shape(random_)),
          blocks_(shape_, cut(seed)), devices_(1 + random_.below(6)), fleet_(fleet(seed)),
          snapshot_(take_snapshot(fleet_, static_cast<Nanoseconds>(random_.below(50'000'000)), 0)),
          placement_(testing::random_placement(random_, blocks_.size(), devices_)) {
        if (seed % 16 == 0) {
            snapshot_.devices[random_.below(devices_)].compute = 0;
        }
        const auto slots = 1 + random_.below(9);
        const auto batch = 1 + random_.below(slots);
        for (std::size_t first = 0; first < slots; first += batch) {
            groups_.push_back(static_cast<std::size_t>(std::min(batch, slots - first)));
        }
    }

    /// Returns the first visit at which the two differ. `error` is a deliberate fault: ns that are
    /// added to the latency of every link in one of them.
    std::string difference(Nanoseconds error, Seen& seen) {
        const auto visits = static_cast<std::int64_t>(groups_.size());
        Snapshot other = snapshot_;
        for (Snapshot::Link& link : other.links) {
            link.latency += error;
        }
        const RoundPlan plan = plan_rounds(blocks_, placement_, other, fleet_.source);
        RoundSimulator walk(plan, visits);
        const auto programs =
            lower(blocks_, placement_, fleet_.source, devices_, medium_of(snapshot_));
        const auto rates = std::make_shared<SnapshotRates>(snapshot_);
        Timeline timeline(blocks_, devices_);
        timeline.install(
            &programs,
            phase_offsets(blocks_, programs, snapshot_, fleet_.source, visits, false),
            {fleet_.source, {}, false}
        );
        std::vector<std::vector<std::int64_t>> under_way(groups_.size());
        for (int round = 0; round < 6; ++round) {
            for (std::size_t group = 0; group < groups_.size(); ++group) {
                const std::vector<Batch> batches = begin(group, rates, seen);
                Nanoseconds expected = 0;
                for (const std::int64_t batch : std::exchange(under_way[group], {})) {
                    expected = timeline.end(batch);
                }
                const std::int64_t first = timeline.visit(batches);
                for (std::size_t i = 0; i < batches.size(); ++i) {
                    under_way[group].push_back(first + static_cast<std::int64_t>(i));
                }
                const Nanoseconds over = walk.visit(batches);
                if (over != expected) {
                    return fmt::format("{}.{}: {}, not {}", round, group, over, expected);
                }
                seen.endless += over == kNever ? 1 : 0;
            }
        }
        seen.single_visits += visits == 1 ? 1 : 0;
        for (const RoundPlan::Message& message : plan.messages) {
            seen.capped += message.egress_capped && message.ingress_capped ? 1 : 0;
        }
        for (const Instruction& sent : plan.sent) {
            seen.shared += sent.shares.sender + sent.shares.receiver > 1 ? 1 : 0;
        }
        for (const Snapshot::Device& device : snapshot_.devices) {
            seen.typed += device.rates.empty() ? 0 : 1;
        }
        return "";
    }

  private:
    Fleet fleet(std::uint64_t seed) {
        Fleet fleet = testing::random_fleet(random_, devices_);
        if (seed % 2 == 0) {
            testing::add_costs(fleet, testing::FleetCosts::choice(random_.below(32)), random_);
        }
        return fleet;
    }

    Cut cut(std::uint64_t seed) {
        return seed % 3 == 0   ? Cut{}
               : seed % 3 == 1 ? testing::random_cut(random_, shape_, Reduce::hub)
                               : testing::random_cut(random_, shape_, Reduce::ring);
    }

    /// One batch, or several that begin together.
    std::vector<Batch> begin(
        std::size_t group, const std::shared_ptr<const Rates>& rates, Seen& seen
    ) {
        std::vector<Batch> batches{{{}, rates}};
        for (std::size_t i = 0; i < groups_[group]; ++i) {
            TurnWork turn{static_cast<std::int64_t>(random_.below(8)), 1, true};
            if (random_.below(4) == 0) {
                turn.tokens = 1 + static_cast<std::int64_t>(random_.below(5));
                turn.samples = random_.below(2) == 0;
            }
            turn.slot = static_cast<std::int32_t>(10 * group + i);
            seen.prompts += turn.tokens > 1 && !turn.samples ? 1 : 0;
            if (i > 0 && random_.below(3) == 0) {
                batches.push_back({{}, rates});
            }
            batches.back().turns.push_back(turn);
            seen.joined += batches.back().turns.size() > 1 ? 1 : 0;
        }
        seen.together += batches.size() > 1 ? 1 : 0;
        return batches;
    }

    Random random_;
    ModelShape shape_;
    Blocks blocks_;
    std::size_t devices_;
    Fleet fleet_;
    Snapshot snapshot_;
    Placement placement_;
    std::vector<std::size_t> groups_; ///< numbers of joined turns
};

TEST(RoundSimulator, equals_the_timeline_to_the_nanosecond) {
    Seen seen;
    for (std::uint64_t seed = 1; seed <= 500; ++seed) {
        ASSERT_EQ(Rounds(seed).difference(0, seen), "") << "seed " << seed;
    }
    EXPECT_GT(seen.joined, 100);
    EXPECT_GT(seen.together, 100);
    EXPECT_GT(seen.single_visits, 10);
    EXPECT_GT(seen.prompts, 100);
    EXPECT_GT(seen.endless, 10);
    EXPECT_GT(seen.capped, 10);
    EXPECT_GT(seen.shared, 10);
    EXPECT_GT(seen.typed, 10);
}

TEST(RoundSimulator, twin_the_comparison_sees_one_nanosecond) {
    int differing = 0;
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        Seen seen;
        differing += Rounds(seed).difference(1, seen).empty() ? 0 : 1;
    }
    EXPECT_GT(differing, 15);
}

/// One plan can be used for any number of visits per cycle: a turn alone takes one step.
TEST(RoundSimulator, of_one_turn_repeats_its_step) {
    const Blocks blocks(testing::example_shape());
    const Fleet fleet = testing::example_fleet();
    const Snapshot snapshot = take_snapshot(fleet, 0, 0);
    const RoundPlan plan =
        plan_rounds(blocks, testing::example_placement(), snapshot, fleet.source);
    RoundSimulator walk(plan, 1);
    const std::vector<Batch> turns{{{{7, 1}}, nullptr}};
    const Nanoseconds step =
        predict_inference(blocks, testing::example_placement(), snapshot, fleet.source, 8);
    EXPECT_EQ(walk.visit(turns), 0);
    EXPECT_EQ(walk.visit(turns), step);
    EXPECT_EQ(walk.visit(turns), 2 * step);
}

} // namespace
} // namespace headroom::scheduler
