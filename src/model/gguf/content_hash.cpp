#include "model/gguf/content_hash.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.hpp"

namespace headroom::model {

namespace {

constexpr std::uint64_t kPrime1 = 0x9E3779B185EBCA87ULL;
constexpr std::uint64_t kPrime2 = 0xC2B2AE3D27D4EB4FULL;
constexpr std::uint64_t kPrime3 = 0x165667B19E3779F9ULL;
constexpr std::uint64_t kPrime4 = 0x85EBCA77C2B2AE63ULL;
constexpr std::uint64_t kPrime5 = 0x27D4EB2F165667C5ULL;

template <class T>
T word_at(const std::byte* p) {
    static_assert(std::endian::native == std::endian::little);
    T value = 0;
    std::memcpy(&value, p, sizeof value);
    return value;
}

std::uint64_t round(std::uint64_t lane, std::uint64_t input) {
    return std::rotl(lane + input * kPrime2, 31) * kPrime1;
}

std::uint64_t merge(std::uint64_t hash, std::uint64_t lane) {
    return (hash ^ round(0, lane)) * kPrime1 + kPrime4;
}

std::uint64_t tail(std::uint64_t hash, const std::byte* p, std::size_t left) {
    for (; left >= 8; left -= 8, p += 8) {
        hash = std::rotl(hash ^ round(0, word_at<std::uint64_t>(p)), 27) * kPrime1 + kPrime4;
    }
    if (left >= 4) {
        hash = std::rotl(hash ^ (word_at<std::uint32_t>(p) * kPrime1), 23) * kPrime2 + kPrime3;
        left -= 4;
        p += 4;
    }
    for (; left > 0; --left, ++p) {
        hash = std::rotl(hash ^ (std::to_integer<std::uint64_t>(*p) * kPrime5), 11) * kPrime1;
    }
    return hash;
}

} // namespace

ContentHash::ContentHash() : lanes_{kPrime1 + kPrime2, kPrime2, 0, 0 - kPrime1} {}

void ContentHash::add(std::span<const std::byte> piece) {
    HEADROOM_CHECK(rest_bytes_ == 0, "a piece after one of {} B more than a grain", rest_bytes_);
    const std::byte* p = piece.data();
    std::size_t left = piece.size();
    std::array<std::uint64_t, 4> lanes = lanes_;
    for (; left >= kStripeBytes; left -= kStripeBytes, p += kStripeBytes) {
        for (std::size_t lane = 0; lane < 4; ++lane) {
            lanes[lane] = round(lanes[lane], word_at<std::uint64_t>(p + 8 * lane));
        }
    }
    lanes_ = lanes;
    std::copy_n(p, left, rest_.data());
    rest_bytes_ = left;
    bytes_ += piece.size();
}

std::uint64_t ContentHash::value() const {
    std::uint64_t hash = kPrime5;
    if (bytes_ >= kStripeBytes) {
        hash = std::rotl(lanes_[0], 1) + std::rotl(lanes_[1], 7) + std::rotl(lanes_[2], 12) +
               std::rotl(lanes_[3], 18);
        for (const std::uint64_t lane : lanes_) {
            hash = merge(hash, lane);
        }
    }
    hash = tail(hash + bytes_, rest_.data(), rest_bytes_);
    hash = (hash ^ (hash >> 33)) * kPrime2;
    hash = (hash ^ (hash >> 29)) * kPrime3;
    return hash ^ (hash >> 32);
}

std::uint64_t content_hash(std::span<const std::byte> bytes) {
    ContentHash hash;
    hash.add(bytes);
    return hash.value();
}

} // namespace headroom::model
