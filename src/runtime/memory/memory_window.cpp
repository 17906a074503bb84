#include "runtime/memory/memory_window.hpp"

#include <algorithm>

#include "base/int128.hpp"

namespace headroom::runtime {

namespace {

constexpr std::int64_t kSpans = 16;

void take_minimum(std::vector<Bytes>& least, const std::vector<Bytes>& other) {
    for (std::size_t d = 0; d < least.size(); ++d) {
        least[d] = std::min(least[d], other[d]);
    }
}

} // namespace

MemoryWindow::MemoryWindow(Nanoseconds length, scheduler::Ppb reserve)
    : span_((length + kSpans - 1) / kSpans), reserve_(reserve) {}

void MemoryWindow::record(Nanoseconds at, const std::vector<Bytes>& memory) {
    const std::int64_t number = at / span_;
    while (!spans_.empty() && spans_.front().number <= number - kSpans) {
        spans_.pop_front();
    }
    if (spans_.empty() || spans_.back().number < number) {
        spans_.push_back({number, memory});
    } else {
        take_minimum(spans_.back().memory, memory);
    }
}

std::vector<Bytes> MemoryWindow::safe_memory(const scheduler::Snapshot& now) {
    if (span_ == 0 && reserve_ == 0) {
        return {};
    }
    std::vector<Bytes> memory;
    for (const scheduler::Snapshot::Device& device : now.devices) {
        memory.push_back(device.memory);
    }
    if (span_ > 0) {
        record(now.at, memory);
    }
    for (Bytes& bytes : memory) {
        bytes -= static_cast<Bytes>(Int128{bytes} * reserve_ / scheduler::kWhole);
    }
    for (const Span& span : spans_) {
        take_minimum(memory, span.memory);
    }
    return memory;
}

} // namespace headroom::runtime
