// The transport over MPI. All waits poll, because blocking MPI calls would use a core per idle
// device and have no deadline. A receive first matches a message (MPI_Improbe) and then receives
// it. The length is therefore known before a byte is written, and a wait for a message that never
// comes leaves no request behind that could write later.
#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include <mpi.h>

#include "base/error.hpp"
#include "comm/mpi/mpi_layout.hpp"
#include "comm/mpi/mpi_liveness_thread.hpp"
#include "comm/mpi/mpi_local_ranks.hpp"
#include "comm/mpi/mpi_send.hpp"
#include "comm/mpi/mpi_session.hpp"
#include "comm/mpi/mpi_world.hpp"
#include "comm/polling_wait.hpp"

namespace headroom::comm {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// The longest sleeps of an idle device. They are shorter while its sends need it to make progress.
constexpr milliseconds kIdleSleep{20};
constexpr milliseconds kIdleSleepWhileSending{2};

/// Shorter waits do not ask for signs of life.
constexpr std::chrono::seconds kWatchAfter{1};

/// The number of polls of a wait after which finished copies are freed again.
constexpr int kPollsPerRelease = 64;

/// Over a network, or if ranks may not read each other's memory, the sender must send a message of
/// at least this size piece by piece while it waits.
constexpr std::int64_t kBulkBytes = 65536;

int mpi_tag(Tag tag) {
    return static_cast<int>(tag);
}

/// A message that MPI_Improbe has matched and that must be received.
struct MatchedMessage {
    MPI_Message message = MPI_MESSAGE_NULL;
    std::int64_t bytes = 0;
};

class MpiTransport final : public Transport {
  public:
    MpiTransport(MpiWorld& world, MpiLivenessThread& liveness_thread)
        : world_(world), liveness_thread_(liveness_thread) {}

    [[nodiscard]] DeviceId self() const override { return DeviceId(world_.rank); }
    [[nodiscard]] std::size_t size() const override {
        return static_cast<std::size_t>(world_.size);
    }

    [[nodiscard]] PendingSend start_send(DeviceId to, Tag tag, std::span<const ConstPart> parts)
        override {
        // MPI_Test completes it, which the checker does not know.
        // NOLINTNEXTLINE(clang-analyzer-optin.mpi*)
        return start(MPI_Isend, "MPI_Isend", to, tag, parts);
    }
    [[nodiscard]] PendingSend start_synchronous_send(
        DeviceId to, Tag tag, std::span<const ConstPart> parts
    ) override {
        // MPI_Test completes it, which the checker does not know.
        // NOLINTNEXTLINE(clang-analyzer-optin.mpi*)
        return start(MPI_Issend, "MPI_Issend", to, tag, parts);
    }
    void wait(PendingSend& send, const WaitReason& reason) override;
    void receive(DeviceId from, Tag tag, std::span<const Part> parts, const WaitReason& reason)
        override;
    [[nodiscard]] std::vector<std::byte> receive_any_size(
        DeviceId from, Tag tag, const WaitReason& reason
    ) override;
    [[nodiscard]] bool has_message(DeviceId from, Tag tag) override;
    void barrier(const WaitReason& reason) override;
    void idle_until(std::chrono::steady_clock::time_point moment) override;

  private:
    using StartCall = decltype(&MPI_Isend);

    PendingSend start(
        StartCall call,
        std::string_view call_name,
        DeviceId to,
        Tag tag,
        std::span<const ConstPart> parts
    );
    MatchedMessage match(const WaitTarget& target);
    void receive_matched(
        MatchedMessage matched, std::span<const Part> parts, const WaitTarget& target
    );
    std::vector<std::byte> receive_matched_bytes(MatchedMessage matched, const WaitTarget& target);
    template <class Done>
    void poll(WaitKind kind, const WaitTarget& target, const Done& done);
    void throw_if_interrupted(int code);
    void call_while_waiting();
    void watch(WatchedWait& wait, PollingWait& polling, const WaitTarget& target);
    [[nodiscard]] std::vector<int> awaited_ranks(DeviceId peer) const;
    void excuse(bool on) override { liveness_thread_.excuse(on); }

    MpiWorld& world_;
    MpiLivenessThread& liveness_thread_;
    bool in_callback_ = false; ///< whether while_waiting runs, which may itself wait
};

/// Polls until done() is true. Gives up at the deadline, or when an awaited rank is silent.
template <class Done>
void MpiTransport::poll(WaitKind kind, const WaitTarget& target, const Done& done) {
    if (done()) {
        return;
    }
    PollingWait polling(options(), kind);
    WatchedWait watched(liveness_thread_);
    for (int polls = 1; !done(); ++polls) {
        throw_if_interrupted(polling.interrupt_code());
        call_while_waiting();
        watch(watched, polling, target);
        if (polling.has_timed_out()) {
            world_.failed = true;
            throw StuckError(stuck_text(target), fields_of(target));
        }
        if (polls % kPollsPerRelease == 0) {
            release_finished_copies();
        }
        polling.pause();
    }
}

void MpiTransport::watch(WatchedWait& wait, PollingWait& polling, const WaitTarget& target) {
    if (in_callback_ || polling.waited() < kWatchAfter) {
        return;
    }
    if (!wait.begun()) {
        wait.begin(awaited_ranks(target.peer), options().silence);
        return;
    }
    if (liveness_thread_.any_excused()) {
        polling.restart();
    }
    const std::vector<int> silent = liveness_thread_.silent_ranks();
    if (silent.empty()) {
        return;
    }
    world_.failed = true;
    throw StuckError(
        silent_text(target, silent) + ": " + rank_state_text(silent.front()), fields_of(target)
    );
}

/// Returns the ranks that a wait asks for signs of life. That is the peer if there is one. In a
/// wait for all devices, rank 0 asks all other ranks, and the other ranks ask rank 0.
std::vector<int> MpiTransport::awaited_ranks(DeviceId peer) const {
    std::vector<int> ranks;
    if (peer.valid() || world_.rank != 0) {
        ranks.push_back(peer.valid() ? peer.value : 0);
    } else {
        ranks.resize(size());
        std::iota(ranks.begin(), ranks.end(), 0);
    }
    std::erase(ranks, world_.rank);
    return ranks;
}

void MpiTransport::throw_if_interrupted(int code) {
    if (code != 0) {
        world_.failed = true;
        if (code == static_cast<int>(ExitCode::environment)) {
            throw EnvironmentError(
                "another rank of the job is gone, or mpirun is ending it; look at earlier messages"
            );
        }
        throw InterruptedError(static_cast<ExitCode>(code));
    }
}

/// Calls Options::while_waiting, which may throw, for example because another device has failed.
void MpiTransport::call_while_waiting() {
    if (!options().while_waiting || in_callback_) {
        return;
    }
    in_callback_ = true;
    try {
        options().while_waiting();
    } catch (...) {
        in_callback_ = false;
        world_.failed = true;
        throw;
    }
    in_callback_ = false;
}

PendingSend MpiTransport::start(
    StartCall call,
    std::string_view call_name,
    DeviceId to,
    Tag tag,
    std::span<const ConstPart> parts
) {
    check_peer(to);
    const std::lock_guard in_mpi(world_.call_mutex);
    const MpiLayout layout(parts);
    auto send = std::make_unique<MpiSend>(world_);
    send->to = to;
    send->tag = tag;
    send->bytes = bytes_of(parts);
    check_mpi(
        call(
            layout.address(),
            layout.count(),
            layout.type(),
            to.value,
            mpi_tag(tag),
            world_.comm,
            send->request()
        ),
        call_name
    );
    send->started();
    return PendingSend(std::move(send));
}

void MpiTransport::wait(PendingSend& send, const WaitReason& reason) {
    if (!send.active()) {
        return;
    }
    PendingSend::State& state = *send.state();
    poll(
        state.bytes >= kBulkBytes ? WaitKind::transfer : WaitKind::message,
        {"send", state.to, state.tag, reason},
        [&] { return state.done(); }
    );
    send.release();
}

MatchedMessage MpiTransport::match(const WaitTarget& target) {
    check_peer(target.peer);
    MatchedMessage matched;
    MPI_Status status;
    const auto found = [&] {
        int flag = 0;
        const std::lock_guard in_mpi(world_.call_mutex);
        check_mpi(
            MPI_Improbe(
                target.peer.value,
                mpi_tag(target.tag),
                world_.comm,
                &flag,
                &matched.message,
                &status
            ),
            "MPI_Improbe"
        );
        return flag != 0;
    };
    poll(WaitKind::message, target, found);
    MPI_Count bytes = 0;
    check_mpi(MPI_Get_elements_x(&status, MPI_BYTE, &bytes), "MPI_Get_elements_x");
    matched.bytes = static_cast<std::int64_t>(bytes);
    return matched;
}

void MpiTransport::receive_matched(
    MatchedMessage matched, std::span<const Part> parts, const WaitTarget& target
) {
    MPI_Request request = MPI_REQUEST_NULL;
    {
        const std::lock_guard in_mpi(world_.call_mutex);
        const MpiLayout layout(parts);
        check_mpi(
            MPI_Imrecv(layout.address(), layout.count(), layout.type(), &matched.message, &request),
            "MPI_Imrecv"
        );
    }
    poll(WaitKind::transfer, target, [&] { return world_.completes(request); });
}

std::vector<std::byte> MpiTransport::receive_matched_bytes(
    MatchedMessage matched, const WaitTarget& target
) {
    std::vector<std::byte> bytes(static_cast<std::size_t>(matched.bytes));
    const Part whole = bytes;
    receive_matched(matched, std::span<const Part>(&whole, 1), target);
    return bytes;
}

void MpiTransport::receive(
    DeviceId from, Tag tag, std::span<const Part> parts, const WaitReason& reason
) {
    const WaitTarget target{"receive", from, tag, reason};
    const MatchedMessage matched = match(target);
    const std::int64_t expected = bytes_of(parts);
    if (matched.bytes != expected) {
        // A matched message must be received, or the sender would wait forever instead of failing.
        static_cast<void>(receive_matched_bytes(matched, target));
        check_length(target, expected, matched.bytes);
    }
    receive_matched(matched, parts, target);
}

std::vector<std::byte> MpiTransport::receive_any_size(
    DeviceId from, Tag tag, const WaitReason& reason
) {
    const WaitTarget target{"receive", from, tag, reason};
    return receive_matched_bytes(match(target), target);
}

bool MpiTransport::has_message(DeviceId from, Tag tag) {
    check_peer(from);
    int flag = 0;
    const std::lock_guard in_mpi(world_.call_mutex);
    check_mpi(
        MPI_Iprobe(from.value, mpi_tag(tag), world_.comm, &flag, MPI_STATUS_IGNORE), "MPI_Iprobe"
    );
    return flag != 0;
}

void MpiTransport::barrier(const WaitReason& reason) {
    MPI_Request request = MPI_REQUEST_NULL;
    {
        const std::lock_guard in_mpi(world_.call_mutex);
        check_mpi(MPI_Ibarrier(world_.comm, &request), "MPI_Ibarrier");
    }
    const WaitTarget all{"meet", DeviceId{}, Tag::control, reason};
    poll(WaitKind::message, all, [&] { return world_.completes(request); });
}

void MpiTransport::idle_until(std::chrono::steady_clock::time_point moment) {
    InterruptWatch watch;
    for (;;) {
        const SteadyTime now = steady_clock::now();
        if (now >= moment) {
            return;
        }
        throw_if_interrupted(watch.code_after_grace(options()));
        call_while_waiting();
        {
            int flag = 0; // any call of MPI lets transfers make progress
            const std::lock_guard in_mpi(world_.call_mutex);
            check_mpi(
                MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, world_.comm, &flag, MPI_STATUS_IGNORE),
                "MPI_Iprobe"
            );
        }
        release_finished_copies();
        const milliseconds sleep_time =
            world_.sends_in_flight > 0 ? kIdleSleepWhileSending : kIdleSleep;
        sleep_until(std::min(moment, now + sleep_time));
    }
}

} // namespace

std::unique_ptr<Transport> make_mpi_transport(MpiSession& session) {
    return std::make_unique<MpiTransport>(session.world(), session.liveness_thread());
}

} // namespace headroom::comm
