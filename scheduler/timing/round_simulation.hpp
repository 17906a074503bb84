// Visits of the source at rates that hold: the same times as a Timeline that visits with the same
// programs, at a small part of the price, for predictions that walk many rounds.
//
// A segment's inputs come from segments with smaller places, so all segments of all devices can be
// executed in the order of their places, and then nothing ever waits. A segment is due so many
// visits after its turn began, always the same number: the order is found once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/units.hpp"
#include "scheduler/timing/round_plan.hpp"
#include "scheduler/timing/timeline.hpp"

namespace headroom::scheduler {

class RoundWalk {
  public:
    /// Nothing is under way. The plan must outlive it; `visits`: of the source in a cycle.
    RoundWalk(const RoundPlan& plan, std::int64_t visits);

    /// The batches that began at this place of the cycle before end, and these begin. Returns the
    /// source's clock in between: when the ids are there; 0 in the first cycle. Rates are the
    /// plan's whatever the batches say; slots and numbers of turns mean nothing.
    Nanoseconds visit(std::span<const Batch> batches);

  private:
    struct Letter {
        Nanoseconds begin = 0;
        Nanoseconds arrival = 0; ///< before ingress
    };
    /// A batch under way.
    struct Group {
        std::vector<TurnWork> turns;
        std::vector<Nanoseconds> durations; ///< per operation
        std::vector<Letter> letters;        ///< [message][turn]
    };
    /// A segment that is executed at every visit, for the batches that began so many visits ago.
    struct Due {
        std::int64_t lag = 0;
        Nanoseconds at = 0; ///< since the visit
        std::int32_t depth = 0;
        std::size_t segment = 0;
    };

    static bool is_together(const Due& a, const Due& b) {
        return a.lag == b.lag && a.at == b.at && a.depth == b.depth;
    }
    void order();
    void check_order() const;
    void begin(Group& group, const std::vector<TurnWork>& turns) const;
    void run_due();
    void run(std::size_t segment, Group& group);
    void send(std::size_t message, Group& group);
    void receive(std::size_t message, const Group& group);

    const RoundPlan* plan_;
    std::int64_t visits_;
    std::int64_t visit_ = 0;
    std::vector<Due> due_;                   ///< in their order
    std::vector<std::vector<Group>> groups_; ///< per visit of the cycle
    std::vector<Nanoseconds> clocks_;        ///< per station
    std::vector<Nanoseconds> egress_free_;
    std::vector<Nanoseconds> ingress_free_;
    std::vector<Nanoseconds> link_free_;
};

} // namespace headroom::scheduler
