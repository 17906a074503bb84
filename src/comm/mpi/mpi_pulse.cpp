// Questions and answers. MPI runs in serialised mode: whoever calls it holds world.calls, the main
// thread for the length of a call, this thread for a few microseconds four times a second.
#include "comm/mpi/mpi_pulse.hpp"

#include <cstdlib>
#include <ctime>
#include <exception>
#include <fstream>
#include <pthread.h>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/quiet_thread.hpp"

namespace headroom::comm {

namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPulseTick{250};

/// What is excused must end some day too.
constexpr std::chrono::hours kExcuse{1};

/// A connection is made step by step, each at a call of MPI.
constexpr int kLooksPerTick = 8;
constexpr int kMostPerTick = 1000;

constexpr int kQuestion = 1;
constexpr int kAnswer = 2;

/// 'R', 'S', 'D' (a disk or a network file system) ... as the kernel has it; ' ': unknown.
char state_of_thread(pid_t thread) {
    std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
    std::string text;
    std::getline(file, text);
    const std::size_t name_end = text.rfind(") ");
    return name_end == std::string::npos || name_end + 2 >= text.size() ? ' ' : text[name_end + 2];
}

} // namespace

MpiPulse::MpiPulse(MpiWorld& world)
    : world_(world), main_thread_(static_cast<pid_t>(syscall(SYS_gettid))) {
    if (pthread_getcpuclockid(pthread_self(), &main_clock_) != 0) {
        throw EnvironmentError("this system keeps no clock per thread");
    }
    thread_ = start_without_signals([this] { run(); });
}

void MpiPulse::stop() {
    {
        const std::lock_guard lock(state_);
        stopping_ = true;
    }
    stop_.notify_all();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void MpiPulse::run() {
    try {
        for (;;) {
            {
                std::unique_lock lock(state_);
                if (stop_.wait_for(lock, kPulseTick, [this] { return stopping_; })) {
                    return;
                }
            }
            look();
        }
    } catch (const std::exception&) {
        // MPI fails, and the main thread will meet that too; until then nobody is answered.
    }
}

void MpiPulse::look() {
    const Sign own = own_sign();
    const std::vector<Answer> answers = hear_all(own);
    std::vector<int> ask;
    {
        const std::lock_guard lock(state_);
        for (const Answer& answer : answers) {
            vigil_.hear(answer.rank, answer.sign);
        }
        ask = vigil_.look(steady_clock::now());
    }
    const std::lock_guard in_mpi(world_.calls);
    for (const int rank : ask) {
        send(rank, kQuestion, {});
    }
    forget_sent();
}

/// A main thread that waits, computes or copies uses its core, if only to look around. One that
/// waits for a disk does not, but is not to blame as soon as one that hangs.
Sign MpiPulse::own_sign() {
    timespec used{};
    clock_gettime(main_clock_, &used);
    if (state_of_thread(main_thread_) == 'D') {
        ++disk_waits_;
    }
    Sign sign;
    sign.moved = std::int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec + disk_waits_;
    const steady_clock::time_point since{steady_clock::duration(excused_since_)};
    sign.excused = excused_since_ != 0 && steady_clock::now() - since < kExcuse;
    sign.excused = sign.excused || excused();
    return sign;
}

/// Answers what is asked.
std::vector<MpiPulse::Answer> MpiPulse::hear_all(const Sign& own) {
    std::vector<Answer> answers;
    const std::lock_guard in_mpi(world_.calls);
    for (int empty = 0, taken = 0; empty < kLooksPerTick && taken < kMostPerTick;) {
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
        Words words;
        check_mpi(
            MPI_Mrecv(&words, sizeof words, MPI_BYTE, &message, MPI_STATUS_IGNORE), "MPI_Mrecv"
        );
        if (status.MPI_TAG == kQuestion) {
            send(status.MPI_SOURCE, kAnswer, own);
        } else {
            answers.push_back({status.MPI_SOURCE, {words.moved, words.excused != 0}});
        }
    }
    return answers;
}

void MpiPulse::send(int rank, int tag, const Sign& sign) {
    Outgoing& one = outgoing_.emplace_back();
    one.words = {sign.moved, sign.excused ? 1 : 0};
    // Completed by MPI_Test, which the checker does not know.
    // NOLINTNEXTLINE(clang-analyzer-optin.mpi*)
    check_mpi(
        MPI_Isend(&one.words, sizeof one.words, MPI_BYTE, rank, tag, world_.signs, &one.request),
        "MPI_Isend"
    );
}

void MpiPulse::forget_sent() {
    outgoing_.remove_if([](Outgoing& one) {
        int done = 0;
        check_mpi(MPI_Test(&one.request, &done, MPI_STATUS_IGNORE), "MPI_Test");
        return done != 0;
    });
}

void MpiPulse::begin_wait(const std::vector<int>& ranks, std::chrono::nanoseconds silence) {
    const std::lock_guard lock(state_);
    vigil_.begin(ranks, silence);
}

void MpiPulse::end_wait() {
    const std::lock_guard lock(state_);
    vigil_.end();
}

std::vector<int> MpiPulse::silent() const {
    const std::lock_guard lock(state_);
    return vigil_.silent();
}

bool MpiPulse::excused() const {
    const std::lock_guard lock(state_);
    return vigil_.excused();
}

void MpiPulse::excuse(bool on) {
    excused_since_ = on ? steady_clock::now().time_since_epoch().count() : 0;
}

} // namespace headroom::comm
