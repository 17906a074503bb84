#include "fuzz/checksums.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace headroom::fuzz {

namespace {

constexpr std::size_t kChecksumBytes = 4;
constexpr std::size_t kMaxBytes = 4096; // metadata of the trace writer lies within a page

std::uint32_t rotated(std::uint32_t x, int bits) {
    return (x << bits) | (x >> (32 - bits));
}

std::uint32_t word_at(std::string_view bytes, std::size_t at) {
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < kChecksumBytes && at + i < bytes.size(); ++i) {
        word |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
    }
    return word;
}

using State = std::array<std::uint32_t, 3>;

void mix(State& s) {
    constexpr std::array kTurns{4, 6, 8, 16, 19, 4};
    for (std::size_t i = 0; i < kTurns.size(); ++i) {
        std::uint32_t& a = s[i % 3];
        std::uint32_t& b = s[(i + 1) % 3];
        std::uint32_t& c = s[(i + 2) % 3];
        a -= c;
        a ^= rotated(c, kTurns[i]);
        c += b;
    }
}

void finish(State& s) {
    constexpr std::array kTurns{14, 11, 25, 16, 4, 14, 24};
    for (std::size_t i = 0; i < kTurns.size(); ++i) {
        std::uint32_t& c = s[(i + 2) % 3];
        const std::uint32_t b = s[(i + 1) % 3];
        c ^= b;
        c -= rotated(b, kTurns[i]);
    }
}

} // namespace

std::uint32_t lookup3(std::string_view bytes) {
    constexpr std::size_t kBlock = 12;
    const auto start = 0xdeadbeefU + static_cast<std::uint32_t>(bytes.size());
    State s{start, start, start};
    if (bytes.empty()) {
        return s[2];
    }
    for (; bytes.size() > kBlock; bytes.remove_prefix(kBlock)) {
        for (std::size_t i = 0; i < 3; ++i) {
            s[i] += word_at(bytes, 4 * i);
        }
        mix(s);
    }
    for (std::size_t i = 0; i < 3; ++i) {
        s[i] += word_at(bytes, 4 * i);
    }
    finish(s);
    return s[2];
}

std::vector<ChecksummedRange> checksummed_ranges(const std::string& file) {
    constexpr std::array<std::string_view, 14> kSignatures{
        "OHDR",
        "OCHK",
        "FRHP",
        "FHDB",
        "FHIB",
        "FSHD",
        "FSSE",
        "BTHD",
        "BTIN",
        "BTLF",
        "EAHD",
        "EAIB",
        "FAHD",
        "FADB"};
    constexpr std::size_t kSuperblock = 44;
    std::vector<ChecksummedRange> found{{0, kSuperblock}};
    const std::string_view all = file;
    for (const std::string_view signature : kSignatures) {
        for (std::size_t at = all.find(signature); at != std::string_view::npos;
             at = all.find(signature, at + 1)) {
            const std::size_t most = std::min(kMaxBytes, all.size() - at);
            for (std::size_t size = signature.size(); size + kChecksumBytes <= most; ++size) {
                if (lookup3(all.substr(at, size)) == word_at(all, at + size)) {
                    found.push_back({at, at + size});
                    break;
                }
            }
        }
    }
    return found;
}

void update_checksum(std::string& file, const ChecksummedRange& range) {
    const std::uint32_t sum =
        lookup3(std::string_view(file).substr(range.begin, range.end - range.begin));
    for (std::size_t i = 0; i < kChecksumBytes; ++i) {
        file[range.end + i] = static_cast<char>(sum >> (8 * i) & 0xffU);
    }
}

} // namespace headroom::fuzz
