// GroupCache, which block.hpp declares.
#include <algorithm>
#include <utility>

#include "base/check.hpp"
#include "model/decoder/block.hpp"

namespace headroom::model {

namespace {

constexpr std::size_t kCacheAlignment = 64;

/// Returns the number of pages that have the first `rows` rows.
std::int64_t pages_for(std::int64_t rows) {
    return (rows + kernels::kPageRows - 1) / kernels::kPageRows;
}

} // namespace

GroupCache::GroupCache(
    std::int64_t head_width,
    WeightType type,
    std::pmr::memory_resource* resource,
    std::int64_t window
)
    : head_width_(head_width), type_(type), resource_(resource), window_(window),
      ring_(window > 0 ? pages_for(window - 1) + 1 : 0) {
    HEADROOM_CHECK(
        head_width > 0 && head_width % format_of(type).elements == 0,
        "head width {} of {}",
        head_width,
        name_of(type)
    );
}

GroupCache::GroupCache(GroupCache&& other) noexcept
    : head_width_(other.head_width_), type_(other.type_), resource_(other.resource_),
      window_(other.window_), ring_(other.ring_), pages_(std::exchange(other.pages_, {})) {}

GroupCache& GroupCache::operator=(GroupCache&& other) noexcept {
    // The other object gets the old pages of this one and frees them.
    std::swap(head_width_, other.head_width_);
    std::swap(type_, other.type_);
    std::swap(resource_, other.resource_);
    std::swap(window_, other.window_);
    std::swap(ring_, other.ring_);
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

Bytes GroupCache::row_bytes() const {
    return headroom::row_bytes(type_, head_width_);
}

Bytes GroupCache::page_bytes() const {
    return 2 * kernels::kPageRows * row_bytes();
}

void GroupCache::reserve(std::int64_t tokens) {
    const std::int64_t all = pages_for(tokens);
    const auto needed = static_cast<std::size_t>(ring_ > 0 ? std::min(all, ring_) : all);
    while (pages_.size() < needed) {
        allocate_page(pages_.size());
    }
}

std::size_t GroupCache::page_of(std::int64_t row) const {
    const std::int64_t page = row / kernels::kPageRows;
    return static_cast<std::size_t>(ring_ > 0 ? page % ring_ : page);
}

void GroupCache::allocate_page(std::size_t i) {
    const std::size_t before = pages_.size();
    pages_.resize(std::max(before, i + 1)); // before the allocation: nothing may leak a page
    HEADROOM_CHECK(pages_[i] == nullptr, "page {} is here", i);
    try {
        pages_[i] = static_cast<std::byte*>(
            resource_->allocate(static_cast<std::size_t>(page_bytes()), kCacheAlignment)
        );
    } catch (...) {
        pages_.resize(before);
        throw;
    }
}

void GroupCache::free_page(std::size_t i) {
    HEADROOM_CHECK(pages_.at(i) != nullptr, "page {} is not here", i);
    resource_->deallocate(
        std::exchange(pages_[i], nullptr), static_cast<std::size_t>(page_bytes()), kCacheAlignment
    );
}

std::optional<std::int64_t> GroupCache::store(
    std::int64_t row, const float* key, const float* value
) {
    return store_at(key, value, keys(row), values(row));
}

std::optional<std::int64_t> GroupCache::store_at(
    const float* key, const float* value, std::byte* stored_key, std::byte* stored_value
) const {
    const auto d = static_cast<std::size_t>(head_width_);
    if (const auto wrong = kernels::store_row(type_, {key, d}, stored_key)) {
        return wrong;
    }
    const auto wrong = kernels::store_row(type_, {value, d}, stored_value);
    return wrong ? std::optional(head_width_ + *wrong) : std::nullopt;
}

void GroupCache::keep(
    std::int64_t first, std::int64_t n, const std::byte* keys, const std::byte* values
) {
    const std::int64_t kept = window_ > 0 ? std::min(n, window_ - 1) : n;
    for (std::int64_t t = n - kept; t < n; ++t) {
        const std::int64_t at = t * row_bytes();
        std::copy_n(keys + at, row_bytes(), this->keys(first + t));
        std::copy_n(values + at, row_bytes(), this->values(first + t));
    }
}

std::byte* GroupCache::keys(std::int64_t row) {
    HEADROOM_CHECK(
        row >= 0 && page_of(row) < pages_.size() && pages_[page_of(row)] != nullptr,
        "row {} of {} pages",
        row,
        pages_.size()
    );
    return pages_[page_of(row)] + row % kernels::kPageRows * row_bytes();
}

std::byte* GroupCache::values(std::int64_t row) {
    return keys(row) + kernels::kPageRows * row_bytes();
}

std::array<std::span<std::byte>, 2> GroupCache::used_parts(std::size_t i, std::int64_t tokens) {
    // The kept rows in page i of a ring are those of one page of the sequence, the last that is in
    // page i.
    const std::int64_t last = std::max<std::int64_t>(0, pages_for(tokens) - 1);
    auto page = static_cast<std::int64_t>(i);
    if (ring_ > 0 && page <= last) {
        page = last - (last - page) % ring_;
    }
    const std::int64_t kept = window_ > 0 ? std::max<std::int64_t>(0, tokens - window_ + 1) : 0;
    const std::int64_t begin = std::max(page * kernels::kPageRows, kept);
    const std::int64_t end = std::min((page + 1) * kernels::kPageRows, tokens);
    if (begin >= end) {
        return {};
    }
    const auto bytes = static_cast<std::size_t>((end - begin) * row_bytes());
    return {std::span(keys(begin), bytes), std::span(values(begin), bytes)};
}

Bytes GroupCache::bytes() const {
    const auto allocated = static_cast<Bytes>(pages_.size()) -
                           static_cast<Bytes>(std::count(pages_.begin(), pages_.end(), nullptr));
    return allocated * page_bytes();
}

} // namespace headroom::model
