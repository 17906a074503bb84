#include "mpi_silence.hpp"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>

#include "base/error.hpp"

namespace headroom::comm {

namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr seconds kSilence{3};
constexpr seconds kLong{7}; ///< what the last rank takes

void compute_for(seconds time) {
    volatile double sum = 0;
    for (const auto end = steady_clock::now() + time; steady_clock::now() < end;) {
        sum = sum + 1;
    }
}

void last_rank(Transport& transport, const std::string& how) {
    if (how == "frozen") {
        std::raise(SIGSTOP);
        std::this_thread::sleep_for(kLong); // mpirun continues it before it ends it
    } else if (how == "busy") {
        compute_for(kLong);
    } else if (how == "excused") {
        const Transport::Excuse excuse(transport);
        std::this_thread::sleep_for(kLong);
    } else {
        std::this_thread::sleep_for(kLong);
    }
}

} // namespace

std::string fall_silent(MpiSession& session, Transport& transport, const std::string& how) {
    transport.options().silence = kSilence;
    // Shorter than what an excused rank takes: being excused is what lets the others wait.
    transport.options().deadline = how == "excused" ? seconds(5) : seconds(40);
    transport.barrier({.what = "the start"});
    const int next = session.rank() + 1;
    try {
        std::byte token{};
        if (next < session.size()) {
            transport.receive_into(DeviceId(next), Tag::test, {&token, 1}, {.what = "a token"});
        } else {
            last_rank(transport, how);
        }
        if (session.rank() > 0) {
            transport.send_copy(DeviceId(session.rank() - 1), Tag::test, {token});
            transport.finish_copies({.what = "a token"});
        }
    } catch (const StuckError& error) {
        std::fprintf(stderr, "found: %s\n", error.what());
        session.abort(static_cast<int>(error.code()));
    }
    return how == "frozen" || how == "asleep" ? "nobody found the silent rank" : "";
}

} // namespace headroom::comm
