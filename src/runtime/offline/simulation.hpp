// A run on the timeline instead of devices: a stage for the course, the controller fed with what
// was walked. Whoever simulates decides what tokens come and when it is interrupted.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/control/controller.hpp"
#include "runtime/control/course.hpp"
#include "runtime/memory/holdings.hpp"
#include "runtime/setup/outline.hpp"
#include "scheduler/timing/program.hpp"
#include "scheduler/timing/timeline.hpp"

namespace headroom::runtime {

class Simulation : public Stage {
  public:
    /// `outline` outlives it; `subject` is all but blocks, prompts and turn sizes, which are the
    /// outline's.
    Simulation(const Outline& outline, Subject subject);
    /// The course from its start to its end, an Error of which becomes the outcome. The trace is
    /// closed.
    RunOutcome run(CourseSettings settings);

    [[nodiscard]] Nanoseconds clock() const override { return timeline_.clock(source_); }
    [[nodiscard]] bool idle_until(Nanoseconds time) override {
        timeline_.raise(source_, time);
        return true;
    }
    [[nodiscard]] bool has_end() const override { return timeline_.has_end(); }
    void visit(const std::vector<StartedTurn>& turns) override;
    [[nodiscard]] std::vector<SampledToken> end(const std::vector<Turn>& batch) override;
    void sequence_begins(std::int64_t /*sequence*/) override {}
    void sequence_ends(std::int64_t /*sequence*/) override {}
    void free_slot(std::int32_t slot) override { hold(slot, 0); }
    [[nodiscard]] Command decide(const SourceFacts& facts) override;
    void install(const Installation& installation) override;
    void finish(std::int32_t /*exit_code*/) override {}
    [[nodiscard]] std::int32_t interrupted() const override { return 0; }
    [[nodiscard]] Nanoseconds elapsed_wall() const override { return 0; }

  protected:
    /// What a turn samples; unknown by default.
    [[nodiscard]] virtual SampledToken token_of(const Turn& /*turn*/) { return {}; }
    /// The interval up to here is over: its rows are committed.
    void close_interval(const SourceFacts& facts);
    [[nodiscard]] bool anything_under_way() const { return !batches_.empty(); }

  private:
    void migrate(const Installation& installation);
    Bytes over_budget(const scheduler::Timeline::FirstOperation& first);
    void check_that_all_ends() const;
    void hold(std::int32_t slot, std::int64_t rows);
    void note_peaks();
    [[nodiscard]] DeviceFacts device_facts();
    [[nodiscard]] const std::string& name_of(DeviceId d) const {
        return scenario_.fleet.devices[d.index()].name;
    }

    const config::Scenario& scenario_;
    Observer* observer_;
    bool detailed_;
    StopCheck stop_;
    DeviceId source_;
    scheduler::Blocks blocks_;
    Controller controller_;
    scheduler::Timeline timeline_;
    Holdings holdings_;
    scheduler::Placement placement_;
    std::vector<scheduler::Program> programs_;
    std::map<std::int64_t, std::int64_t> batches_; ///< first turn -> the timeline's number
    std::vector<std::int64_t> rows_;               ///< per slot, in whole pages
    std::int64_t cached_ = 0;                      ///< of all slots
    std::int64_t most_cached_ = 0;                 ///< since the last report
    std::vector<DeviceUse> uses_;                  ///< since the last report
    std::vector<LinkUse> moved_;                   ///< by migrations, since the last report
    std::int64_t sampled_ = 0;
};

} // namespace headroom::runtime
