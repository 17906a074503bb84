// One device of a run: its memory, clock and program, and the actions that control messages request
// (control_messages.hpp). The source, where prompts come in, has a DeviceExecutor too.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <vector>

#include "comm/transport.hpp"
#include "device/device_clock.hpp"
#include "device/pacer.hpp"
#include "runtime/device/control_messages.hpp"
#include "runtime/device/turn.hpp"
#include "runtime/memory/device_memory.hpp"
#include "runtime/setup/run.hpp"
#include "runtime/setup/setup.hpp"
#include "scheduler/timing/turn_schedule.hpp"

namespace headroom::runtime {

class DeviceExecutor {
  public:
    /// All three arguments must outlive this object.
    DeviceExecutor(const RunOptions& options, Setup& setup, comm::Transport& transport);
    DeviceExecutor(const DeviceExecutor&) = delete;
    DeviceExecutor& operator=(const DeviceExecutor&) = delete;

    /// Begins these turns (forward passes of one sequence each) and continues all turns that have
    /// begun and not ended, in the order of schedule_ (scheduler/timing/turn_schedule.hpp). `turns`
    /// may be empty; turns of one batch are adjacent. `started` is empty except on the source.
    /// There it has the same turns with the tokens that they process.
    void visit(const std::vector<Turn>& turns, std::span<const StartedTurn> started = {});
    /// See ExecutionBackend::end (serving_loop.hpp). Only for the source.
    [[nodiscard]] std::vector<SampledToken> end(const std::vector<Turn>& batch);
    void free_slot(std::int32_t slot) { memory_.free_caches(slot); }

    /// Reports the received blocks to the controller. Returns t_resume, the virtual time at which
    /// all devices continue.
    using AgreeOnResume = std::function<Nanoseconds(const Arrivals&)>;
    /// Puts a placement and batch size in force: loads the blocks of the first placement, or
    /// migrates blocks; then replaces the program. Precondition: all turns have ended.
    void install(const Installation& installation, const AgreeOnResume& agree);

    [[nodiscard]] Report report();

    /// See ExecutionBackend::has_end (serving_loop.hpp).
    [[nodiscard]] bool has_end() const { return schedule_.has_end(); }
    [[nodiscard]] Nanoseconds clock() const { return clock_.now(); }
    /// See ExecutionBackend::idle_until. In clock mode `paced`, also waits for the wall clock.
    [[nodiscard]] bool idle_until(Nanoseconds time);
    [[nodiscard]] Nanoseconds elapsed_wall() const { return pacer_.elapsed(); }
    [[nodiscard]] const scheduler::Blocks& blocks() const { return blocks_; }
    [[nodiscard]] std::int64_t epoch() const { return epoch_; }

  private:
    void run(const std::vector<scheduler::Task>& tasks);
    void load(const Installation& installation);
    void migrate_to(const Installation& installation, const AgreeOnResume& agree);
    [[nodiscard]] TurnSettings settings() const;

    const RunOptions* options_;
    Setup* setup_;
    comm::Transport* transport_;
    DeviceId self_;
    scheduler::Blocks blocks_;
    model::ExecutionContext context_;
    DeviceMemory memory_;
    device::DeviceClock clock_;
    device::Pacer pacer_;
    TurnLog log_;
    TurnSettings settings_;
    TurnRunner runner_;

    scheduler::Program program_;
    std::vector<scheduler::ProgramSegment> segments_;
    scheduler::TurnSchedule schedule_;
    /// The turns of the newest batches of every group of slots. The key is the number of the
    /// batch's first turn.
    std::map<std::int64_t, std::vector<Turn>> batches_;
    std::int64_t batch_ = 1;  ///< number of slots whose decode turns form one batch
    std::int64_t epoch_ = -1; ///< serial number of the placement and batch size in force
};

} // namespace headroom::runtime
