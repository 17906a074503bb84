#include "tests/model/support/watched_allocations.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> largest{0};

} // namespace

void* operator new(std::size_t size, const std::nothrow_t& /*unused*/) noexcept {
    std::size_t seen = largest.load();
    while (size > seen && !largest.compare_exchange_weak(seen, size)) {
    }
    return std::malloc(size == 0 ? 1 : size);
}

void* operator new(std::size_t size) {
    if (void* const memory = operator new(size, std::nothrow)) {
        return memory;
    }
    throw std::bad_alloc();
}

void operator delete(void* memory) noexcept {
    std::free(memory);
}

void operator delete(void* memory, std::size_t /*size*/) noexcept {
    std::free(memory);
}

namespace headroom::model::test {

std::size_t largest_allocation() {
    return largest.load();
}

void forget_allocations_above(std::size_t bytes) {
    largest = std::min(bytes, largest.load());
}

} // namespace headroom::model::test
