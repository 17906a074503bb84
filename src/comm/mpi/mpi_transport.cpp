// The transport over MPI. All waits poll: blocking MPI calls would burn a core per idle device and
// know no deadline. Receives match first (MPI_Improbe) and take then, so the length is known before
// a byte is written, and a wait for a message that never comes leaves no receive behind that could
// write later.
#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <mpi.h>

#include "base/check.hpp"
#include "base/error.hpp"
#include "comm/mpi/mpi_layout.hpp"
#include "comm/mpi/mpi_neighbours.hpp"
#include "comm/mpi/mpi_pulse.hpp"
#include "comm/mpi/mpi_send.hpp"
#include "comm/mpi/mpi_session.hpp"
#include "comm/mpi/mpi_world.hpp"
#include "comm/patience.hpp"

namespace headroom::comm {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Longest sleep of an idle device: shorter while its own sends need it to make progress.
constexpr milliseconds kIdleSlice{20};
constexpr milliseconds kIdleSliceWhileSending{2};

/// So short a wait is never looked at more closely.
constexpr std::chrono::seconds kUnwatched{1};

/// How many polls of a wait go by until finished copies are let go again.
constexpr int kPollsPerSweep = 64;

/// Without single-copy between processes, or over a network, the sender has to push a message of
/// such a size piece by piece while it waits.
constexpr std::int64_t kBulkBytes = 65536;

int mpi_tag(Tag tag) {
    return static_cast<int>(tag);
}

/// A message that has been matched and must be taken.
struct Matched {
    MPI_Message message = MPI_MESSAGE_NULL;
    std::int64_t bytes = 0;
};

/// What a wait is for, in case that it fails. No valid peer: all devices.
struct Aim {
    std::string_view verb;
    DeviceId peer;
    Tag tag = Tag::test;
    const Waiting& waiting;
};

class MpiTransport final : public Transport {
  public:
    MpiTransport(MpiWorld& world, MpiPulse& pulse) : world_(world), pulse_(pulse) {}

    [[nodiscard]] DeviceId self() const override { return DeviceId(world_.rank); }
    [[nodiscard]] std::size_t size() const override {
        return static_cast<std::size_t>(world_.size);
    }
    [[nodiscard]] std::string_view name() const override { return "mpi"; }

    [[nodiscard]] PendingSend start_send(DeviceId to, Tag tag, std::span<const ConstPart> parts)
        override {
        // The checker knows no completion by MPI_Test. NOLINTNEXTLINE(clang-analyzer-optin.mpi*)
        return start(MPI_Isend, "MPI_Isend", to, tag, parts);
    }
    [[nodiscard]] PendingSend start_synchronous_send(
        DeviceId to, Tag tag, std::span<const ConstPart> parts
    ) override {
        // The checker knows no completion by MPI_Test. NOLINTNEXTLINE(clang-analyzer-optin.mpi*)
        return start(MPI_Issend, "MPI_Issend", to, tag, parts);
    }
    void wait(PendingSend& send, const Waiting& waiting) override;
    void receive(DeviceId from, Tag tag, std::span<const Part> parts, const Waiting& waiting)
        override;
    [[nodiscard]] std::vector<std::byte> receive_any_size(
        DeviceId from, Tag tag, const Waiting& waiting
    ) override;
    [[nodiscard]] bool ready(DeviceId from, Tag tag) override;
    void barrier(const Waiting& waiting) override;
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
    Matched match(DeviceId from, Tag tag, const Waiting& waiting);
    void take(
        Matched matched, std::span<const Part> parts, DeviceId from, Tag tag, const Waiting& waiting
    );
    std::vector<std::byte> take_whole(
        Matched matched, DeviceId from, Tag tag, const Waiting& waiting
    );
    template <class Done>
    void poll(Pace pace, const Aim& aim, const Done& done);
    void throw_if_interrupted(int code);
    void look_around();
    void watch(WatchedWait& wait, Patience& patience, const Aim& aim);
    [[nodiscard]] std::vector<int> awaited(DeviceId peer) const;
    void excuse(bool on) override { pulse_.excuse(on); }

    MpiWorld& world_;
    MpiPulse& pulse_;
    bool looking_ = false; ///< in while_waiting, which may itself wait
};

/// Polls until done(); gives up at the deadline, or when whoever is waited for is silent.
template <class Done>
void MpiTransport::poll(Pace pace, const Aim& aim, const Done& done) {
    if (done()) {
        return;
    }
    Patience patience(options(), pace);
    WatchedWait watched(pulse_);
    for (int polls = 1; !done(); ++polls) {
        throw_if_interrupted(patience.interrupt());
        look_around();
        watch(watched, patience, aim);
        if (patience.exhausted()) {
            world_.failed = true;
            throw StuckError(stuck_text(aim.verb, aim.peer, aim.tag, aim.waiting));
        }
        if (polls % kPollsPerSweep == 0) {
            release_finished_copies();
        }
        patience.pause();
    }
}

void MpiTransport::watch(WatchedWait& wait, Patience& patience, const Aim& aim) {
    if (looking_ || patience.waited() < kUnwatched) {
        return;
    }
    if (!wait.begun()) {
        wait.begin(awaited(aim.peer), options().silence);
        return;
    }
    if (pulse_.excused()) {
        patience.restart();
    }
    const std::vector<int> silent = pulse_.silent();
    if (silent.empty()) {
        return;
    }
    world_.failed = true;
    throw StuckError(fmt::format(
        "{}: {}",
        silent_text(aim.verb, aim.peer, aim.tag, aim.waiting, silent),
        state_text(silent.front())
    ));
}

/// All wait for rank 0, which looks after the others.
std::vector<int> MpiTransport::awaited(DeviceId peer) const {
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

/// What the owner wants to know of while it waits: that another device has failed, for one.
void MpiTransport::look_around() {
    if (!options().while_waiting || looking_) {
        return;
    }
    looking_ = true;
    try {
        options().while_waiting();
    } catch (...) {
        looking_ = false;
        world_.failed = true;
        throw;
    }
    looking_ = false;
}

PendingSend MpiTransport::start(
    StartCall call,
    std::string_view call_name,
    DeviceId to,
    Tag tag,
    std::span<const ConstPart> parts
) {
    check_peer(to);
    const std::lock_guard in_mpi(world_.calls);
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

void MpiTransport::wait(PendingSend& send, const Waiting& waiting) {
    if (!send.active()) {
        return;
    }
    PendingSend::State& state = *send.state();
    poll(
        state.bytes >= kBulkBytes ? Pace::transfer : Pace::message,
        {"send", state.to, state.tag, waiting},
        [&] { return state.done(); }
    );
    send.release();
}

Matched MpiTransport::match(DeviceId from, Tag tag, const Waiting& waiting) {
    check_peer(from);
    Matched matched;
    MPI_Status status;
    const auto found = [&] {
        int flag = 0;
        const std::lock_guard in_mpi(world_.calls);
        check_mpi(
            MPI_Improbe(from.value, mpi_tag(tag), world_.comm, &flag, &matched.message, &status),
            "MPI_Improbe"
        );
        return flag != 0;
    };
    poll(Pace::message, {"receive", from, tag, waiting}, found);
    MPI_Count bytes = 0;
    check_mpi(MPI_Get_elements_x(&status, MPI_BYTE, &bytes), "MPI_Get_elements_x");
    matched.bytes = static_cast<std::int64_t>(bytes);
    return matched;
}

void MpiTransport::take(
    Matched matched, std::span<const Part> parts, DeviceId from, Tag tag, const Waiting& waiting
) {
    MPI_Request request = MPI_REQUEST_NULL;
    {
        const std::lock_guard in_mpi(world_.calls);
        const MpiLayout layout(parts);
        check_mpi(
            MPI_Imrecv(layout.address(), layout.count(), layout.type(), &matched.message, &request),
            "MPI_Imrecv"
        );
    }
    const auto arrived = [&] {
        int flag = 0;
        const std::lock_guard in_mpi(world_.calls);
        check_mpi(MPI_Test(&request, &flag, MPI_STATUS_IGNORE), "MPI_Test");
        return flag != 0;
    };
    poll(Pace::transfer, {"receive", from, tag, waiting}, arrived);
}

std::vector<std::byte> MpiTransport::take_whole(
    Matched matched, DeviceId from, Tag tag, const Waiting& waiting
) {
    std::vector<std::byte> bytes(static_cast<std::size_t>(matched.bytes));
    const Part whole = bytes;
    take(matched, std::span<const Part>(&whole, 1), from, tag, waiting);
    return bytes;
}

void MpiTransport::receive(
    DeviceId from, Tag tag, std::span<const Part> parts, const Waiting& waiting
) {
    const Matched matched = match(from, tag, waiting);
    const std::int64_t expected = bytes_of(parts);
    if (matched.bytes != expected) {
        // A matched message must be taken, or the sender would hang instead of failing here.
        static_cast<void>(take_whole(matched, from, tag, waiting));
        check_length(from, tag, expected, matched.bytes, waiting);
    }
    take(matched, parts, from, tag, waiting);
}

std::vector<std::byte> MpiTransport::receive_any_size(
    DeviceId from, Tag tag, const Waiting& waiting
) {
    return take_whole(match(from, tag, waiting), from, tag, waiting);
}

bool MpiTransport::ready(DeviceId from, Tag tag) {
    check_peer(from);
    int flag = 0;
    const std::lock_guard in_mpi(world_.calls);
    check_mpi(
        MPI_Iprobe(from.value, mpi_tag(tag), world_.comm, &flag, MPI_STATUS_IGNORE), "MPI_Iprobe"
    );
    return flag != 0;
}

void MpiTransport::barrier(const Waiting& waiting) {
    MPI_Request request = MPI_REQUEST_NULL;
    {
        const std::lock_guard in_mpi(world_.calls);
        check_mpi(MPI_Ibarrier(world_.comm, &request), "MPI_Ibarrier");
    }
    const auto met = [&] {
        int flag = 0;
        const std::lock_guard in_mpi(world_.calls);
        check_mpi(MPI_Test(&request, &flag, MPI_STATUS_IGNORE), "MPI_Test");
        return flag != 0;
    };
    poll(Pace::message, {"meet", DeviceId{}, Tag::control, waiting}, met);
}

void MpiTransport::idle_until(std::chrono::steady_clock::time_point moment) {
    InterruptWatch watch;
    for (;;) {
        const SteadyTime now = steady_clock::now();
        if (now >= moment) {
            return;
        }
        throw_if_interrupted(watch.overdue(options()));
        look_around();
        {
            int flag = 0; // any call lets MPI work on what is under way
            const std::lock_guard in_mpi(world_.calls);
            check_mpi(
                MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, world_.comm, &flag, MPI_STATUS_IGNORE),
                "MPI_Iprobe"
            );
        }
        release_finished_copies();
        const milliseconds slice = world_.sends_in_flight > 0 ? kIdleSliceWhileSending : kIdleSlice;
        sleep_until(std::min(moment, now + slice));
    }
}

} // namespace

std::unique_ptr<Transport> make_mpi_transport(MpiSession& session) {
    return std::make_unique<MpiTransport>(session.world(), session.pulse());
}

} // namespace headroom::comm
