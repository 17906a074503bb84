#include "model/content_hash.hpp"

#include <array>
#include <bit>
#include <cstring>

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

std::uint64_t content_hash(std::span<const std::byte> bytes) {
    const std::byte* p = bytes.data();
    std::size_t left = bytes.size();
    std::uint64_t hash = kPrime5;
    if (left >= 32) {
        std::array<std::uint64_t, 4> lanes{kPrime1 + kPrime2, kPrime2, 0, 0 - kPrime1};
        for (; left >= 32; left -= 32, p += 32) {
            for (std::size_t lane = 0; lane < 4; ++lane) {
                lanes[lane] = round(lanes[lane], word_at<std::uint64_t>(p + 8 * lane));
            }
        }
        hash = std::rotl(lanes[0], 1) + std::rotl(lanes[1], 7) + std::rotl(lanes[2], 12) +
               std::rotl(lanes[3], 18);
        for (const std::uint64_t lane : lanes) {
            hash = merge(hash, lane);
        }
    }
    hash = tail(hash + bytes.size(), p, left);
    hash = (hash ^ (hash >> 33)) * kPrime2;
    hash = (hash ^ (hash >> 29)) * kPrime3;
    return hash ^ (hash >> 32);
}

} // namespace headroom::model
