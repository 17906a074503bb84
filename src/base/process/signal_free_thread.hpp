// Starts helper threads that receive no signals. The main thread must receive all signals, because
// a signal has to interrupt the calls in which that thread waits.
#pragma once

#include <csignal>
#include <thread>
#include <utility>

namespace headroom {

template <class Body>
[[nodiscard]] std::thread start_thread_without_signals(Body&& body) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); // the new thread inherits this mask
    std::thread thread(std::forward<Body>(body));
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread;
}

} // namespace headroom
