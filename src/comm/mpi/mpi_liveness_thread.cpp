// Sends questions and answers. MPI is in thread mode "serialized": a thread holds world.call_mutex
// while it calls MPI. This thread holds it for a few microseconds four times a second.
#include "comm/mpi/mpi_liveness_thread.hpp"

#include <ctime>
#include <exception>
#include <fstream>
#include <pthread.h>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/process/signal_free_thread.hpp"

namespace headroom::comm {

namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLivenessTick{250};

/// The longest time for which a rank can be excused.
constexpr std::chrono::hours kMaxExcuse{1};

/// Several probes per tick, because each call of MPI advances a new connection by one step only.
constexpr int kEmptyProbesPerTick = 8;
constexpr int kMaxMessagesPerTick = 1000;

constexpr int kQuestion = 1;
constexpr int kAnswer = 2;

/// Returns the state of a thread in /proc: 'R', 'S', 'D' (waits for a disk or a network file
/// system) and so on. Returns ' ' if it is unknown.
char state_of_thread(pid_t thread) {
    std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
    std::string text;
    std::getline(file, text);
    const std::size_t name_end = text.rfind(") ");
    return name_end == std::string::npos || name_end + 2 >= text.size() ? ' ' : text[name_end + 2];
}

} // namespace

MpiLivenessThread::MpiLivenessThread(MpiWorld& world)
    : world_(world), main_thread_(static_cast<pid_t>(syscall(SYS_gettid))) {
    if (pthread_getcpuclockid(pthread_self(), &main_clock_) != 0) {
        throw EnvironmentError("this system keeps no clock per thread");
    }
    thread_ = start_thread_without_signals([this] { run(); });
}

void MpiLivenessThread::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void MpiLivenessThread::run() {
    try {
        for (;;) {
            {
                std::unique_lock lock(mutex_);
                if (wake_.wait_for(lock, kLivenessTick, [this] { return stopping_; })) {
                    return;
                }
            }
            exchange_signs();
        }
    } catch (const std::exception&) {
        // MPI fails. The main thread will get the error too; until then this rank gives no answers.
    }
}

void MpiLivenessThread::exchange_signs() {
    const SignOfLife own = own_sign();
    const std::vector<Answer> answers = receive_signs(own);
    std::vector<int> ask;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [rank, sign] : answers) {
            monitor_.record_answer(rank, sign);
        }
        ask = monitor_.ranks_to_ask(steady_clock::now());
    }
    const std::lock_guard in_mpi(world_.call_mutex);
    for (const int rank : ask) {
        send(rank, kQuestion, {});
    }
    release_finished_sends();
}

/// Returns this rank's sign of life. A main thread that waits, computes or copies uses processor
/// time, if only to poll. One that waits for a disk uses none, so disk waits count as activity too.
SignOfLife MpiLivenessThread::own_sign() {
    timespec used{};
    clock_gettime(main_clock_, &used);
    if (state_of_thread(main_thread_) == 'D') {
        ++disk_waits_;
    }
    SignOfLife sign;
    sign.progress = std::int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec + disk_waits_;
    const steady_clock::time_point since{steady_clock::duration(excused_since_)};
    sign.excused = excused_since_ != 0 && steady_clock::now() - since < kMaxExcuse;
    sign.excused = sign.excused || any_excused();
    return sign;
}

/// Receives all messages, answers the questions, and returns the answers of other ranks.
std::vector<MpiLivenessThread::Answer> MpiLivenessThread::receive_signs(const SignOfLife& own) {
    std::vector<Answer> answers;
    const std::lock_guard in_mpi(world_.call_mutex);
    for (int empty = 0, taken = 0; empty < kEmptyProbesPerTick && taken < kMaxMessagesPerTick;) {
        int found = 0;
        MPI_Message message = MPI_MESSAGE_NULL;
        MPI_Status status;
        check_mpi(
            MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, world_.signs, &found, &message, &status),
            "MPI_Improbe"
        );
        if (found == 0) {
            ++empty;
            continue;
        }
        ++taken;
        SignOfLife content;
        check_mpi(
            MPI_Mrecv(&content, sizeof content, MPI_BYTE, &message, MPI_STATUS_IGNORE), "MPI_Mrecv"
        );
        if (status.MPI_TAG == kQuestion) {
            send(status.MPI_SOURCE, kAnswer, own);
        } else {
            answers.emplace_back(status.MPI_SOURCE, content);
        }
    }
    return answers;
}

void MpiLivenessThread::send(int rank, int tag, const SignOfLife& sign) {
    OutgoingSign& one = outgoing_.emplace_back();
    one.content = sign;
    // MPI_Test completes it, which the checker does not know.
    // NOLINTNEXTLINE(clang-analyzer-optin.mpi*)
    check_mpi(
        MPI_Isend(
            &one.content, sizeof one.content, MPI_BYTE, rank, tag, world_.signs, &one.request
        ),
        "MPI_Isend"
    );
}

void MpiLivenessThread::release_finished_sends() {
    outgoing_.remove_if([](OutgoingSign& one) {
        int done = 0;
        check_mpi(MPI_Test(&one.request, &done, MPI_STATUS_IGNORE), "MPI_Test");
        return done != 0;
    });
}

void MpiLivenessThread::begin_wait(
    const std::vector<int>& ranks, std::chrono::nanoseconds silence
) {
    const std::lock_guard lock(mutex_);
    monitor_.begin_wait(ranks, silence);
}

void MpiLivenessThread::end_wait() {
    const std::lock_guard lock(mutex_);
    monitor_.end_wait();
}

std::vector<int> MpiLivenessThread::silent_ranks() const {
    const std::lock_guard lock(mutex_);
    return monitor_.silent_ranks();
}

bool MpiLivenessThread::any_excused() const {
    const std::lock_guard lock(mutex_);
    return monitor_.any_excused();
}

void MpiLivenessThread::excuse(bool on) {
    excused_since_ = on ? steady_clock::now().time_since_epoch().count() : 0;
}

} // namespace headroom::comm
