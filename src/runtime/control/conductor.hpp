// What rank 0 does besides being a device: it feeds the controller with what the devices report,
// and shows the text while it comes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/control/controller.hpp"
#include "runtime/control/text_stream.hpp"
#include "runtime/device/control_messages.hpp"
#include "runtime/setup/run.hpp"
#include "runtime/setup/setup.hpp"

namespace headroom::runtime {

class Conductor {
  public:
    Conductor(const RunOptions& options, const Setup& setup, const scheduler::Blocks& blocks);

    /// The interval is over on the source; nothing before the first decision.
    void close_interval(const SourceFacts& facts) { controller_.close_interval(facts); }
    /// The device whose report of the oldest closed interval is to come next, if any.
    [[nodiscard]] std::optional<DeviceId> awaited() const;
    /// A report; the last of an interval commits it.
    void take(Report report);
    /// The next decision, or the order to finish; with the error's exit code if there is none to
    /// give, so that nobody is left waiting.
    Command next(const SourceFacts& facts);
    /// All devices have migrated: when they go on.
    Nanoseconds resume_after(Nanoseconds t_switch, const std::vector<Arrivals>& arrivals);
    /// For people.
    void show(const ShownToken& token);
    [[nodiscard]] const std::string& message() const { return message_; }
    void end(trace::Completion completion) { controller_.end(completion); }

    [[nodiscard]] Nanoseconds lateness_max() const { return lateness_max_; }
    [[nodiscard]] Nanoseconds elapsed_wall() const { return elapsed_wall_; }

  private:
    void begin_text(std::int64_t sequence);

    Controller controller_;
    std::size_t devices_;
    TextStream stream_;
    std::vector<Report> reports_; ///< of the oldest closed interval
    std::string message_;         ///< why there is no decision to give
    Nanoseconds lateness_max_ = 0;
    Nanoseconds elapsed_wall_ = 0;
};

} // namespace headroom::runtime
