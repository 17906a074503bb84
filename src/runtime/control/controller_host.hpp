// Passes the reports of the devices to the controller, and the sampled tokens to the observer of a
// run. Only rank 0, which also emulates device 0, has a ControllerHost.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/control/controller.hpp"
#include "runtime/control/text_stream.hpp"
#include "runtime/device/control_messages.hpp"
#include "runtime/setup/run.hpp"
#include "runtime/setup/setup.hpp"

namespace headroom::runtime {

class ControllerHost {
  public:
    ControllerHost(const RunOptions& options, const Setup& setup, const scheduler::Blocks& blocks);

    void close_interval(const SourceFacts& facts) { controller_.close_interval(facts); }
    /// Returns the device whose report must be added next, or nothing if no report is missing.
    [[nodiscard]] std::optional<DeviceId> next_reporter() const;
    /// Adds the report of device next_reporter(). When the last device's report is added, the
    /// interval is committed to the trace.
    void add_report(Report report);
    /// See Controller::next_command. If that throws an Error, returns a command to finish with the
    /// error's exit code, because the source waits for a command.
    Command next_command(const SourceFacts& facts);
    /// See Controller::resume_after. arrivals: one per device.
    Nanoseconds resume_after(Nanoseconds t_switch, const std::vector<Arrivals>& arrivals);
    void show(const TextEvent& event);
    void end_trace(int exit_code) { controller_.end_trace(exit_code); }
    /// Returns the outcome so far. Its `message` is the text of the error that next_command() has
    /// caught, or "" if there was no error.
    [[nodiscard]] const RunOutcome& outcome() const { return outcome_; }

  private:
    void begin_text(std::int64_t sequence);

    Controller controller_;
    std::size_t devices_;
    TextStream stream_;
    std::vector<Report> reports_; ///< received so far for the oldest closed interval
    RunOutcome outcome_;
};

} // namespace headroom::runtime
