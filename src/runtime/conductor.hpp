// What rank 0 does besides being a device: it feeds the controller with what the devices report,
// and shows the text while it comes.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/control.hpp"
#include "runtime/controller.hpp"
#include "runtime/session.hpp"
#include "runtime/setup.hpp"
#include "runtime/text_stream.hpp"

namespace headroom::runtime {

class Conductor {
  public:
    Conductor(const RunOptions& options, const Setup& setup, const scheduler::Blocks& blocks);

    /// The first placement; then the trace begins. Throws InfeasibleError if nothing fits.
    Command first();
    /// All devices have migrated: when they go on.
    Nanoseconds resume_after(const std::vector<std::vector<Arrived>>& arrived);
    /// The interval is over on all devices: commits it, and decides again or finishes.
    Command next(const std::vector<Report>& reports);
    /// A token of the turn before, for people; -1: none.
    void show(std::int32_t id);
    void end(trace::Completion completion) { controller_.end(completion); }

    [[nodiscard]] Nanoseconds lateness_max() const { return lateness_max_; }
    [[nodiscard]] Nanoseconds elapsed_wall() const { return elapsed_wall_; }

  private:
    [[nodiscard]] IntervalFacts facts_of(const std::vector<Report>& reports) const;
    Command announced(Command command);

    Controller controller_;
    DeviceId source_;
    TextStream stream_;
    Nanoseconds lateness_max_ = 0;
    Nanoseconds elapsed_wall_ = 0;
};

} // namespace headroom::runtime
