// GroupCache, which block.hpp declares.
#include <algorithm>
#include <utility>

#include "base/check.hpp"
#include "model/decoder/block.hpp"

namespace headroom::model {

namespace {

constexpr std::size_t kCacheAlignment = 64;

std::size_t page_of(std::int64_t row) {
    return static_cast<std::size_t>(row / kernels::kPageRows);
}

} // namespace

GroupCache::GroupCache(std::int64_t head_width, std::pmr::memory_resource* resource)
    : head_width_(head_width), resource_(resource) {
    HEADROOM_CHECK(head_width > 0, "head width {}", head_width);
}

GroupCache::GroupCache(GroupCache&& other) noexcept
    : head_width_(other.head_width_), resource_(other.resource_),
      pages_(std::exchange(other.pages_, {})) {}

GroupCache& GroupCache::operator=(GroupCache&& other) noexcept {
    // The other object gets the old pages of this one and frees them.
    std::swap(head_width_, other.head_width_);
    std::swap(resource_, other.resource_);
    std::swap(pages_, other.pages_);
    return *this;
}

GroupCache::~GroupCache() {
    for (std::size_t i = 0; i < pages_.size(); ++i) {
        if (pages_[i] != nullptr) {
            free_page(i);
        }
    }
}

Bytes GroupCache::page_bytes() const {
    return 2 * kernels::kPageRows * head_width_ * static_cast<Bytes>(sizeof(float));
}

void GroupCache::reserve(std::int64_t tokens) {
    while (static_cast<std::int64_t>(pages_.size()) * kernels::kPageRows < tokens) {
        allocate_page();
    }
}

void GroupCache::allocate_page() {
    pages_.push_back(nullptr); // before the allocation: a failing push_back must not leak a page
    try {
        pages_.back() = static_cast<float*>(
            resource_->allocate(static_cast<std::size_t>(page_bytes()), kCacheAlignment)
        );
    } catch (...) {
        pages_.pop_back();
        throw;
    }
}

void GroupCache::free_page(std::size_t i) {
    HEADROOM_CHECK(pages_.at(i) != nullptr, "page {} is not here", i);
    resource_->deallocate(
        std::exchange(pages_[i], nullptr), static_cast<std::size_t>(page_bytes()), kCacheAlignment
    );
}

float* GroupCache::keys(std::int64_t row) {
    HEADROOM_CHECK(
        row >= 0 && page_of(row) < pages_.size() && pages_[page_of(row)] != nullptr,
        "row {} of {} pages",
        row,
        pages_.size()
    );
    return pages_[page_of(row)] + row % kernels::kPageRows * head_width_;
}

float* GroupCache::values(std::int64_t row) {
    return keys(row) + kernels::kPageRows * head_width_;
}

std::array<std::span<std::byte>, 2> GroupCache::used_parts(std::size_t i, std::int64_t rows) {
    const std::int64_t before = static_cast<std::int64_t>(i) * kernels::kPageRows;
    const std::int64_t in_page = std::clamp<std::int64_t>(rows - before, 0, kernels::kPageRows);
    if (in_page == 0) {
        return {};
    }
    const auto floats = static_cast<std::size_t>(in_page * head_width_);
    return {
        std::as_writable_bytes(std::span(keys(before), floats)),
        std::as_writable_bytes(std::span(values(before), floats)),
    };
}

Bytes GroupCache::bytes() const {
    const auto allocated = static_cast<Bytes>(pages_.size()) -
                           static_cast<Bytes>(std::count(pages_.begin(), pages_.end(), nullptr));
    return allocated * page_bytes();
}

} // namespace headroom::model
