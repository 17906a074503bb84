// The same work for many independent indices, on several threads; what comes out does not depend on
// how many.
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

/// One thread per core.
[[nodiscard]] inline std::int64_t hardware_jobs() {
    return std::max<std::int64_t>(1, std::thread::hardware_concurrency());
}

/// work(i) for 0 ≤ i < count, in increasing order per thread; done(number) after each, one at a
/// time. The first exception ends all threads and is thrown again here.
inline void for_each_index(
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
