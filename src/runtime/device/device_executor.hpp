// One device of a run: its memory, clock and program, and the actions that control messages request
// (control_messages.hpp). The source, where prompts come in, is such a device too.
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

    /// Begins these turns and continues all turns under way, in the order of the turn schedule.
    /// `turns` may be empty; turns of one batch are adjacent. started: on the source, these turns
    /// with their tokens; else empty.
    void visit(const std::vector<Turn>& turns, std::span<const StartedTurn> started = {});
    /// See ExecutionBackend::end. Only for the source.
    [[nodiscard]] std::vector<SampledToken> end(const std::vector<Turn>& batch);
    void free_slot(std::int32_t slot) { memory_.free_caches(slot); }

    /// Sends the received blocks to the controller; returns t_resume, when all devices continue.
    using AgreeOnResume = std::function<Nanoseconds(const Arrivals&)>;
    /// Loads or migrates blocks and replaces the program. Precondition: no turn is under way.
    void install(const Installation& installation, const AgreeOnResume& agree);

    /// Returns what happened on this device since the last report.
    [[nodiscard]] Report report();

    /// See ExecutionBackend::has_end.
    [[nodiscard]] bool has_end() const { return schedule_.has_end(); }
    [[nodiscard]] Nanoseconds clock() const { return clock_.now(); }
    /// See ExecutionBackend::idle_until. In clock mode `paced`, waits for the wall clock.
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
    std::map<std::int64_t, std::vector<Turn>> batches_; ///< batches under way, by first turn number
    std::int64_t batch_ = 1;                            ///< slots in a group of slots
    std::int64_t epoch_ = -1;
};

} // namespace headroom::runtime
