// A device's part of a run: what it holds, and what it does when the source's notes tell it to. The
// same on the source itself.
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
#include "runtime/memory/resident.hpp"
#include "runtime/setup/run.hpp"
#include "runtime/setup/setup.hpp"
#include "scheduler/timing/turn_schedule.hpp"

namespace headroom::runtime {

class DevicePart {
  public:
    /// All must outlive it.
    DevicePart(const RunOptions& options, Setup& setup, comm::Transport& transport);
    DevicePart(const DevicePart&) = delete;
    DevicePart& operator=(const DevicePart&) = delete;

    /// These turns begin, if any, those of one batch one after the other; all that are under way
    /// advance. `started`: on the source, what the turns take in.
    void visit(const std::vector<Turn>& turns, std::span<const StartedTurn> started = {});
    /// Source: the last segment, if it has one of its own.
    [[nodiscard]] std::vector<SampledToken> end(const std::vector<Turn>& batch);
    void free_slot(std::int32_t slot) { resident_.empty_caches(slot); }

    /// How devices come to know when all of them go on after a migration, from this one's clock and
    /// what arrived here.
    using AgreeOnResume = std::function<Nanoseconds(const Arrivals&)>;
    /// Nothing is under way: blocks are loaded or migrate, programs change.
    void install(const Installation& installation, const AgreeOnResume& agree);

    /// What happened here since the last report.
    [[nodiscard]] Report report();

    [[nodiscard]] bool has_end() const { return agenda_.has_end(); }
    [[nodiscard]] Nanoseconds clock() const { return clock_.now(); }
    /// False: an interrupt came first.
    [[nodiscard]] bool idle_until(Nanoseconds time);
    [[nodiscard]] Nanoseconds elapsed_wall() const { return pacer_.elapsed(); }
    [[nodiscard]] const scheduler::Blocks& blocks() const { return blocks_; }
    [[nodiscard]] std::int64_t epoch() const { return epoch_; }

  private:
    void advance(const std::vector<Turn>& turns);
    void run(const std::vector<scheduler::Task>& tasks);
    void load(const Installation& installation);
    void migrate_to(const Installation& installation, const AgreeOnResume& agree);
    [[nodiscard]] TurnSettings settings() const;

    const RunOptions* options_;
    Setup* setup_;
    comm::Transport* transport_;
    DeviceId self_;
    scheduler::Blocks blocks_;
    model::Context context_;
    Resident resident_;
    device::DeviceClock clock_;
    device::Pacer pacer_;
    TurnLog log_;
    TurnSettings settings_;
    TurnRunner runner_;

    scheduler::Program program_;
    std::vector<scheduler::ProgramSegment> segments_;
    scheduler::Agenda agenda_;
    std::map<std::int64_t, std::vector<Turn>> batches_; ///< under way, by their first turn
    std::int64_t joined_ = 1;                           ///< slots that the source visits at once
    std::int64_t epoch_ = -1;
};

} // namespace headroom::runtime
