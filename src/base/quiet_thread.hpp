// A thread beside the main one. Signals are for the main thread, whose waits they are to end.
#pragma once

#include <csignal>
#include <thread>
#include <utility>

namespace headroom {

/// Starts a thread that no signal is delivered to.
template <class Body>
[[nodiscard]] std::thread start_without_signals(Body&& body) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); // the thread inherits what is blocked now
    std::thread thread(std::forward<Body>(body));
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread;
}

} // namespace headroom
