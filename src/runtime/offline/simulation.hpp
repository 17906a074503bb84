// Simulates a run. Class Simulation is an ExecutionBackend (serving_loop.hpp) that passes turns
// (forward passes of one sequence) to a Timeline, which computes the virtual times of all devices,
// and gives these times to the controller. Derived classes can say which tokens are sampled.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/control/controller.hpp"
#include "runtime/control/serving_loop.hpp"
#include "runtime/memory/memory_model.hpp"
#include "runtime/setup/workload_description.hpp"
#include "scheduler/timing/program.hpp"
#include "scheduler/timing/timeline.hpp"

namespace headroom::runtime {

class Simulation : public ExecutionBackend {
  public:
    /// workload: must outlive this object; its blocks, prompts and turn sizes replace those of
    /// `context`. interrupt_code: called between tokens; returns the exit code to end with, or 0.
    Simulation(
        const WorkloadDescription& workload, ControllerContext context, StopCheck interrupt_code
    );
    /// Runs the serving loop and ends the trace. An Error is returned in the outcome.
    RunOutcome run(ServingSettings settings);

    [[nodiscard]] Nanoseconds clock() const override { return timeline_.clock(source_); }
    [[nodiscard]] bool idle_until(Nanoseconds time) override {
        timeline_.advance_clock(source_, time);
        return true;
    }
    [[nodiscard]] bool has_end() const override { return timeline_.has_end(); }
    void visit(const std::vector<StartedTurn>& turns) override;
    [[nodiscard]] std::vector<SampledToken> end(const std::vector<Turn>& batch) override;
    void sequence_begins(std::int64_t /*sequence*/) override {}
    void sequence_ends(std::int64_t /*sequence*/) override {}
    void free_slot(std::int32_t slot) override { set_cached_rows(slot, 0); }
    [[nodiscard]] Command decide(const SourceFacts& facts) override;
    void install(const Installation& installation) override;
    void finish(std::int32_t /*exit_code*/) override {}
    [[nodiscard]] std::int32_t interrupted() const override { return code_of(interrupt_check_); }
    [[nodiscard]] Nanoseconds elapsed_wall() const override { return 0; }

  protected:
    /// Returns the token that a turn samples. The default is a token with id -1.
    [[nodiscard]] virtual SampledToken token_of(const Turn& /*turn*/) { return {}; }
    /// Ends the interval and writes it to the trace.
    void close_interval(const SourceFacts& facts);
    [[nodiscard]] bool anything_under_way() const { return !batches_.empty(); }

  private:
    void migrate(const Installation& installation);
    Bytes over_budget(const scheduler::Timeline::FirstOperation& first);
    void check_that_all_ends() const;
    void set_cached_rows(std::int32_t slot, std::int64_t rows);
    void record_peaks();
    [[nodiscard]] DeviceFacts device_facts();
    [[nodiscard]] const std::string& name_of(DeviceId d) const {
        return scenario_.fleet.devices[d.index()].name;
    }

    const config::Scenario& scenario_;
    Observer* observer_;
    bool detailed_;
    StopCheck stop_;
    StopCheck interrupt_check_;
    DeviceId source_;
    scheduler::Blocks blocks_;
    Controller controller_;
    scheduler::Timeline timeline_;
    MemoryModel memory_model_;
    scheduler::Placement placement_;
    std::vector<scheduler::Program> programs_;
    /// The number that the timeline has given to each batch under way. The key is the number of the
    /// batch's first turn.
    std::map<std::int64_t, std::int64_t> batches_;
    /// Per slot: number of cache rows, rounded up to whole pages.
    std::vector<scheduler::CacheRows> rows_;
    scheduler::CacheRows cached_; ///< the sum of rows_
    // Since the last decision:
    /// The values of cached_ that no other exceeded in both numbers, since the last record_peaks().
    std::vector<scheduler::CacheRows> largest_cached_{{}};
    std::vector<DeviceUse> device_uses_; ///< one per device
    std::vector<LinkUse> link_uses_;     ///< payload of migrations
    std::int64_t sampled_ = 0;
};

} // namespace headroom::runtime
