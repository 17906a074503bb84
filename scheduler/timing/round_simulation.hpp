// Simulates rounds (one turn of every sequence in flight) at the constant rates of a snapshot. The
// times equal those of a Timeline with the same programs, but are computed much faster.
//
// A segment is a part of a program that runs without waiting. turn_schedule.hpp defines visits, at
// which turns begin and end, and a key for each segment, by which devices order segments after a
// visit. The inputs of a segment come from segments with smaller keys. So the simulator executes
// the segments of all devices in the order of their keys. Each message is then sent before the
// simulator comes to its receive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/units.hpp"
#include "scheduler/timing/round_plan.hpp"
#include "scheduler/timing/timeline.hpp"

namespace headroom::scheduler {

class RoundSimulator {
  public:
    /// Begins with idle devices and no turns. `visits`, the length of a cycle, is the number of
    /// visits after which a turn ends. The plan must outlive the simulator. Throws Bug if a segment
    /// needs input from a later one.
    RoundSimulator(const RoundPlan& plan, std::int64_t visits);

    /// Simulates one visit: the batches that began one cycle ago end, and the given batches begin.
    /// Returns the source's clock when the source has the ids sampled by the ended batches; 0 in
    /// the first cycle. Batch::rates, TurnWork::slot and TurnWork::number are not used.
    Nanoseconds visit(std::span<const Batch> batches);

  private:
    struct InFlightMessage {
        Nanoseconds begin = 0;
        Nanoseconds arrival = 0; ///< of the last byte if the receiver's ingress has no limit
    };
    struct BatchState {
        std::vector<TurnWork> turns;
        std::vector<Nanoseconds> durations;    ///< per operation
        std::vector<InFlightMessage> messages; ///< [message][turn]
    };
    /// A segment executed after every visit, for the batches that began `visits_ago` visits before.
    struct DueSegment {
        std::int64_t visits_ago = 0;
        /// Time after the visit in units of 1/visits_ ns. In these units it is an integer, although
        /// visits are P/visits_ ns apart (P is the time of a step).
        Nanoseconds at = 0;
        std::int32_t depth = 0;
        std::size_t segment = 0;
    };

    static bool are_simultaneous(const DueSegment& a, const DueSegment& b) {
        return a.visits_ago == b.visits_ago && a.at == b.at && a.depth == b.depth;
    }
    void sort_due_segments();
    void check_order() const;
    void begin(BatchState& running, const std::vector<TurnWork>& turns) const;
    void run_due_segments();
    void run(std::size_t segment, BatchState& running);
    void send(std::size_t message, BatchState& running);
    void receive(std::size_t message, const BatchState& running);

    const RoundPlan* plan_;
    std::int64_t visits_;
    std::int64_t visit_ = 0;
    std::vector<DueSegment> due_;                  ///< in the order of execution after a visit
    std::vector<std::vector<BatchState>> batches_; ///< [visit within the cycle]
    std::vector<Nanoseconds> clocks_;              ///< per device
    std::vector<Nanoseconds> egress_free_;
    std::vector<Nanoseconds> ingress_free_;
    std::vector<Nanoseconds> link_free_;
};

} // namespace headroom::scheduler
