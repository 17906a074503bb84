#include "runtime/memory_window.hpp"

#include <algorithm>

namespace headroom::runtime {

namespace {

constexpr std::int64_t kSpans = 16;

void lower(std::vector<Bytes>& least, const std::vector<Bytes>& other) {
    for (std::size_t d = 0; d < least.size(); ++d) {
        least[d] = std::min(least[d], other[d]);
    }
}

} // namespace

MemoryWindow::MemoryWindow(Nanoseconds length) : span_((length + kSpans - 1) / kSpans) {}

std::vector<Bytes> MemoryWindow::least(const scheduler::Snapshot& now) {
    if (span_ == 0) {
        return {};
    }
    std::vector<Bytes> least;
    for (const scheduler::Snapshot::Device& device : now.devices) {
        least.push_back(device.memory);
    }
    const std::int64_t number = now.at / span_;
    while (!spans_.empty() && spans_.front().number <= number - kSpans) {
        spans_.pop_front();
    }
    if (spans_.empty() || spans_.back().number < number) {
        spans_.push_back({number, least});
    } else {
        lower(spans_.back().memory, least);
    }
    for (const Span& span : spans_) {
        lower(least, span.memory);
    }
    return least;
}

} // namespace headroom::runtime
