// A parallel loop over independent indices. The results do not depend on the number of threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace headroom::bench {

/// Returns the default number of threads, one per core.
[[nodiscard]] inline std::int64_t hardware_jobs() {
    return std::max<std::int64_t>(1, std::thread::hardware_concurrency());
}

/// Calls work(i) for 0 ≤ i < count on `jobs` threads, each of which takes its indices in increasing
/// order. After each call it calls done(n), where n is the number of finished calls; these calls do
/// not overlap. After an exception no new index is started, and the first exception is thrown
/// again.
inline void parallel_for(
    std::size_t count,
    std::size_t jobs,
    const std::function<void(std::size_t)>& work,
    const std::function<void(std::size_t)>& done
) {
    std::atomic<std::size_t> next{0};
    std::mutex mutex;
    std::size_t finished = 0;
    std::exception_ptr failure;
    const auto worker = [&] {
        try {
            for (std::size_t i = next++; i < count; i = next++) {
                work(i);
                const std::lock_guard lock(mutex);
                done(++finished);
            }
        } catch (...) {
            next = count;
            const std::lock_guard lock(mutex);
            failure = failure ? failure : std::current_exception();
        }
    };
    {
        std::vector<std::jthread> threads;
        for (std::size_t j = 0; j < jobs; ++j) {
            threads.emplace_back(worker);
        }
    }
    if (failure) {
        std::rethrow_exception(failure);
    }
}

} // namespace headroom::bench
